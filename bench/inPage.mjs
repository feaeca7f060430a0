/** What runs inside the tabs that are measured. Each function goes into the page by itself, so it uses nothing outside. */

/** Before anything else: notes when the page had loaded, when its server first served, and when the tab was closed. */
export function noteTimes() {
  const now = () => performance.timeOrigin + performance.now();
  const times = { loaded: 0, seated: 0, serving: 0 };
  globalThis.benchTimes = times;
  addEventListener('load', () => (times.loaded = now()));
  addEventListener('pagehide', () => localStorage.setItem('bench/closed', String(now())));
  const polling = setInterval(() => {
    const status = globalThis.tabkeeper?.status();
    if (status === undefined) return;
    times.seated ||= now();
    if (!status.serving) return;
    times.serving = now();
    clearInterval(polling);
  }, 2);
}

/** `count` writes of 100 bytes one after the other; how long each took, in ms. */
export async function writeOneByOne(count) {
  const { client } = globalThis.tabkeeper;
  const data = new Uint8Array(100);
  const tookMs = [];
  for (let index = 0; index < count; index++) {
    const began = performance.now();
    await client.setData('/bench', data);
    tookMs.push(performance.now() - began);
  }
  return tookMs;
}

/** Writes for `forMs` with `outstanding` of them on the way; writes a second. */
export async function writeMany({ outstanding, forMs }) {
  const { client } = globalThis.tabkeeper;
  const data = new Uint8Array(100);
  const began = performance.now();
  let count = 0;
  const writer = async () => {
    while (performance.now() - began < forMs) {
      await client.setData('/bench', data);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: outstanding }, writer));
  return (count * 1000) / (performance.now() - began);
}

/** Writes without end and keeps when each success began and ended. */
export function keepWriting() {
  const { client } = globalThis.tabkeeper;
  const now = () => performance.timeOrigin + performance.now();
  globalThis.benchWrites = [];
  const next = async () => {
    const began = now();
    try {
      await client.setData('/bench', new Uint8Array(100));
      globalThis.benchWrites.push({ began, ended: now() });
      setTimeout(next, 1);
    } catch (error) {
      // A lost connection is what is measured here; anything else ends it.
      if (!/connection/i.test(`${error.name} ${error.message}`)) throw error;
      setTimeout(next, 2);
    }
  };
  void next();
}

/** How long the browser takes to put 100 bytes durably into an IndexedDB of its own, one time after the other, in ms. */
export async function flushOneByOne(count) {
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open('bench');
    request.onupgradeneeded = () => request.result.createObjectStore('flushes');
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const tookMs = [];
  for (let index = 0; index < count; index++) {
    const began = performance.now();
    await new Promise((resolve, reject) => {
      const transaction = database.transaction('flushes', 'readwrite', { durability: 'strict' });
      transaction.objectStore('flushes').put(new Uint8Array(100), index);
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
      transaction.commit();
    });
    tookMs.push(performance.now() - began);
  }
  database.close();
  return tookMs;
}

/** Asks for the events of single transactions, or for them no more. */
export function watchTxns(wanted) {
  globalThis.tabkeeper.watch(wanted ? ['txn'] : []);
}

/** As `writeOneByOne`: when each began and ended by the clock that all tabs share, and its zxid. */
export async function traceWrites(count) {
  const { client } = globalThis.tabkeeper;
  const now = () => performance.timeOrigin + performance.now();
  const data = new Uint8Array(100);
  const writes = [];
  for (let index = 0; index < count; index++) {
    const began = now();
    const { mzxid } = await client.setData('/bench', data);
    writes.push({ began, ended: now(), zxid: String(mzxid) });
  }
  // The last events come a moment later, in a batch.
  const last = () =>
    globalThis.tabkeeper.events.some(
      ({ event }) => event.type === 'applied' && String(event.zxid) === writes.at(-1).zxid,
    );
  while (!last()) await new Promise((resolve) => setTimeout(resolve, 10));
  return writes;
}

/** When what happened to which transaction, by the clock that all tabs share. */
export function txnTimes() {
  const times = {};
  for (const { timeMs, event } of globalThis.tabkeeper.events) {
    if (event.topic !== 'txn') continue;
    times[`${event.type} ${event.zxid}`] = { atMs: timeMs, tookMs: event.tookMs };
  }
  return times;
}

/**
 * Begins `perSecond` writes a second of 100 bytes each, whether or not those before have ended, and keeps how long each
 * took, and how many failed because the connection was lost, as it may be where other work leaves no time for a tab. The pace comes from a Worker, since the timers of a page that is behind others are slowed down.
 */
export function writeAtPace(perSecond) {
  const { client } = globalThis.tabkeeper;
  const data = new Uint8Array(100);
  globalThis.benchPaced = { tookMs: [], failedCount: 0 };
  const code = `const began = performance.now();
    let count = 0;
    setInterval(() => {
      for (; count < (performance.now() - began) * ${perSecond / 1000}; count++) postMessage(count);
    }, 1);`;
  const pace = new Worker(URL.createObjectURL(new Blob([code])));
  pace.onmessage = async () => {
    const began = performance.now();
    try {
      await client.setData('/bench', data);
      globalThis.benchPaced.tookMs.push(performance.now() - began);
    } catch (error) {
      if (!/connection/i.test(`${error.name} ${error.message}`)) throw error;
      globalThis.benchPaced.failedCount += 1;
    }
  };
}

/** How long the paced writes that have ended since the last call took, in ms, and how many failed. */
export function takePaced() {
  const taken = globalThis.benchPaced;
  globalThis.benchPaced = { tookMs: [], failedCount: 0 };
  return taken;
}

/**
 * The time between each two frames, how long each task of more than 50 ms kept the page, in ms, and what the page said of how
 * much it draws, each time that it was something else, for `forMs`.
 */
export async function watchFrames(forMs) {
  const longTasks = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longTasks.push(duration);
  });
  observer.observe({ type: 'longtask' });
  const frames = [];
  const said = [];
  const note = document.querySelector('[data-testid=drawn]');
  const beganMs = performance.now();
  let lastMs = null;
  let next = requestAnimationFrame(function frame(nowMs) {
    if (lastMs !== null) frames.push(nowMs - lastMs);
    lastMs = nowMs;
    const words = note?.textContent.replace(/\s+/g, ' ').trim();
    if (words !== said.at(-1)?.words) said.push({ atMs: nowMs - beganMs, words });
    next = requestAnimationFrame(frame);
  });
  await new Promise((resolve) => setTimeout(resolve, forMs));
  cancelAnimationFrame(next);
  for (const { duration } of observer.takeRecords()) longTasks.push(duration);
  observer.disconnect();
  return { frames, longTasks, said, perSecond: (frames.length * 1000) / forMs };
}

/** A page in which nothing is drawn but one square. */
export function drawSquare() {
  const square = document.createElement('div');
  square.style.cssText = 'width: 20px; height: 20px; background: teal';
  document.body.append(square);
}

/** The square moves with every frame, or it stands. */
export function moveSquare(moves) {
  cancelAnimationFrame(globalThis.benchMoving);
  if (!moves) return;
  const { style } = document.querySelector('div');
  const move = (nowMs) => {
    style.transform = `translate(${nowMs % 600}px, 100px)`;
    globalThis.benchMoving = requestAnimationFrame(move);
  };
  globalThis.benchMoving = requestAnimationFrame(move);
}
