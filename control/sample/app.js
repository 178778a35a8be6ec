// Shows how long the edge took to answer with this page.
const [navigation] = performance.getEntriesByType('navigation');
if (navigation) {
  const milliseconds = Math.max(1, Math.round(navigation.responseEnd - navigation.requestStart));
  document.getElementById('time').textContent = `${milliseconds} ms`;
}
