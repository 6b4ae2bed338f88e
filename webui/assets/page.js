'use strict';
// The page works without this script. It puts what the telephone sends into
// its place and saves the page from being loaded anew; the words are not its
// own. A part's key is "id" for a text, "id@name" for an attribute; rows fill
// a table.
(() => {
  const $ = id => document.getElementById(id);
  const shown = {};

  const put = (key, value) => {
    const [id, attribute] = key.split('@'), e = $(id), s = JSON.stringify(value);
    if (!e || shown[key] === s) return;
    shown[key] = s;
    if (attribute) e.setAttribute(attribute, value);
    else if (Array.isArray(value)) e.replaceChildren(...value.map(row));
    else if (e.textContent !== value) e.textContent = value;
  };
  const row = cells => {
    const tr = document.createElement('tr');
    cells.forEach((text, i) => {
      const cell = tr.appendChild(document.createElement(i ? 'td' : 'th'));
      if (!i) cell.scope = 'row';
      if (typeof text === 'string') { cell.textContent = text; return; }
      const b = cell.appendChild(document.createElement('button'));
      b.name = text.name; b.value = text.value; b.textContent = text.text;
      b.setAttribute('aria-label', text.label);
    });
    return tr;
  };
  const show = parts => { for (const key in parts) put(key, parts[key]); };
  const fault = text => put('fault', text);

  // Live: a stream while the page is seen; when it is refused or falls silent,
  // asking every two seconds, and the stream again every half minute.
  const silence = 40e3, lost = 'No connection to the telephone. Trying again.';
  let stream, dog, poller, retry;

  const live = () => {
    stop();
    if (document.hidden) return;
    stream = new EventSource('/page/events');
    const alive = () => { clearTimeout(dog); dog = setTimeout(fallBack, silence); };
    stream.onopen = () => { fault(''); alive(); };
    stream.addEventListener('page', e => { alive(); show(JSON.parse(e.data)); });
    stream.addEventListener('beat', alive);
    stream.onerror = () => {
      if (stream.readyState === EventSource.CLOSED) fallBack(); else fault(lost);
    };
    alive();
  };
  const stop = () => {
    stream?.close();
    clearTimeout(dog); clearTimeout(retry); clearInterval(poller);
  };
  const fallBack = () => {
    stop();
    poller = setInterval(poll, 2000);
    retry = setTimeout(live, 30e3);
    poll();
  };
  const poll = () => fetch('/page/state').then(r => r.json()).then(parts => { show(parts); fault(''); }, () => fault(lost));
  document.addEventListener('visibilitychange', live);
  addEventListener('pagehide', stop);
  addEventListener('pageshow', live);

  // Actions go one after the other, so that digits keep their order. What is
  // too much for a slow line is dropped, the newest first.
  let queue = Promise.resolve(), waiting = 0;
  const post = (path, body) => {
    if (waiting > 20) return;
    waiting++;
    queue = queue.then(async () => {
      try {
        const r = await fetch(path, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});
        fault(r.ok ? '' : (await r.json()).detail);
      } catch { fault(lost); }
      waiting--;
    });
  };
  const act = button => button.name === 'key'
    ? post('/api/v1/key', {key: button.value})
    : post('/api/v1/hook', {lifted: button.value === 'true'});

  for (const button of document.querySelectorAll('.switches button')) {
    button.addEventListener('click', e => { e.preventDefault(); post('/api/v1/settings', {[button.name]: button.value === 'true'}); });
  }

  // Buttons in rows come and go with the rows, so their forms listen.
  for (const form of document.querySelectorAll('.seek, .found')) {
    form.addEventListener('submit', e => {
      e.preventDefault();
      const by = e.submitter;
      if (by?.name === 'more') post('/api/v1/search', {more: true});
      else if (form.className === 'found') post(form.getAttribute('action'), {[by.name]: by.value});
      else post('/api/v1/search', {words: $('words').value});
    });
  }

  for (const button of document.querySelectorAll('.phone button')) {
    button.addEventListener('click', e => { e.preventDefault(); act(button); });
    // A mouse does not take the focus along, so that space stays the hook's.
    button.addEventListener('mousedown', e => e.preventDefault());
  }

  // The keyboard, unless it is switched off or a control wants the key itself.
  addEventListener('keydown', e => {
    if (!$('typing').checked || e.ctrlKey || e.altKey || e.metaKey || e.repeat) return;
    const at = e.target, control = at.closest?.('button, a, input, summary, [tabindex]');
    let button;
    if (/^[0-9*#]$/.test(e.key)) button = document.querySelector(`[name=key][value="${e.key}"]`);
    else if (e.key === 'h' || e.key === 'H' || e.key === ' ' && !control) button = $('hook');
    if (!button || at.matches?.('input:not([type=checkbox])')) return;
    e.preventDefault();
    act(button);
    button.classList.add('down');
    setTimeout(() => button.classList.remove('down'), 120);
  });

  // What the owner prefers is kept in this browser, if it lets us.
  const keep = (id, start, use) => {
    const box = $(id);
    try { box.checked = JSON.parse(localStorage.getItem(id)) ?? start; } catch { box.checked = start; }
    box.addEventListener('change', () => {
      use(box.checked);
      try { localStorage.setItem(id, box.checked); } catch { /* it holds until the page is left */ }
    });
    use(box.checked);
  };
  const root = document.documentElement;
  keep('typing', true, () => {});
  keep('still', root.dataset.motion === 'still', on => { root.dataset.motion = on ? 'still' : 'full'; });
  root.classList.add('scripts');
  live();
})();
