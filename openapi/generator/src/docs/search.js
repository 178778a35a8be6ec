// Finds titles and headings of the page's language. Without it, the pages lack nothing but the field.
const form = document.getElementById('search');
const [field, list] = [form.querySelector('input'), form.querySelector('ol')];
const root = `/${location.pathname.split('/')[1]}/`;
let entries;

function score(entry, words) {
  const [title, text] = [entry.title.toLowerCase(), entry.text.toLowerCase()];
  let sum = 0;
  for (const word of words) {
    if (title.startsWith(word)) sum += 4;
    else if (title.includes(word)) sum += 3;
    else if (text.includes(word)) sum += 1;
    else return 0;
  }
  return sum;
}

async function find() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  list.replaceChildren();
  list.hidden = words.length === 0;
  if (list.hidden) return;
  entries ??= fetch(`${root}search.json`).then((answer) => answer.json());
  const found = (await entries).map((entry) => ({ entry, points: score(entry, words) })).filter(({ points }) => points > 0);
  found.sort((one, other) => other.points - one.points);
  list.replaceChildren(...found.slice(0, 12).map(({ entry }) => {
    const [item, link, small] = ['li', 'a', 'small'].map((name) => document.createElement(name));
    link.href = root + entry.to.replace('./', '');
    link.textContent = entry.title;
    small.textContent = entry.text;
    link.append(small);
    item.append(link);
    return item;
  }));
  if (found.length === 0) list.append(Object.assign(document.createElement('li'), { textContent: form.dataset.nothing }));
}

form.hidden = false;
form.addEventListener('submit', (event) => { event.preventDefault(); list.querySelector('a')?.click(); });
field.addEventListener('input', find);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') { field.value = ''; find(); }
  if (event.key === '/' && document.activeElement === document.body) { event.preventDefault(); field.focus(); }
});
