// A headless Chromium that reports whatever a page complains about.
import { chromium } from 'playwright-core';

const executables = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export async function browser(test) {
  const { access } = await import('node:fs/promises');
  let executablePath;
  for (const candidate of executables) {
    if (await access(candidate).then(() => true, () => false)) { executablePath = candidate; break; }
  }
  const chrome = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
  test.after(() => chrome.close());
  return chrome;
}

// A page and the list of what went wrong on it: console errors, exceptions, failed or refused requests.
export async function watchedPage(chrome) {
  const page = await chrome.newPage({ viewport: { width: 1280, height: 800 } });
  const complaints = [];
  page.on('console', (message) => { if (message.type() === 'error') complaints.push(`console: ${message.text()}`); });
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`));
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
  page.on('response', (response) => { if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`); });
  return { page, complaints };
}
