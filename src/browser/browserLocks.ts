/** Web Locks, where the page may have them: which sid is in use in this browser, and which of its tabs are alive. */

import type { SeatLock } from '../room/claimSeat.ts';
import type { TabId } from '../room/messages.ts';

/** A page that is being reloaded lets go within 22-36 ms (measured); a slow one gets a second. */
const PATIENCE_MS = 1_000;

export const hasLocks = (): boolean => 'locks' in navigator && navigator.locks !== undefined;

/** Null when another tab of this browser has the sid. */
export function lockSeat(room: string, sid: number, patient: boolean): Promise<SeatLock | null> {
  if (!hasLocks()) return Promise.resolve({ real: false, release: () => {} });
  return acquire(`tabkeeper/${room}/sid/${sid}`, patient);
}

/**
 * Shows the other tabs of this browser that this one lives; held until the page is gone, however it goes. Waits as long as
 * a busy browser takes: without the lock the others would take this tab for a crashed one.
 */
export function lockTab(room: string, tab: TabId): Promise<void> {
  if (!hasLocks()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(tabLockName(room, tab), () => {
        resolve();
        return new Promise(() => {});
      })
      .catch(reject);
  });
}

/** Calls `gone` when the other tab's page is no more: closed, crashed or discarded. Returns how to stop watching. */
export function watchTab(room: string, tab: TabId, gone: () => void): () => void {
  if (!hasLocks()) return () => {};
  const stopped = new AbortController();
  navigator.locks
    .request(tabLockName(room, tab), { signal: stopped.signal }, () => {
      if (!stopped.signal.aborted) gone();
    })
    .catch((error: unknown) => {
      if (!stopped.signal.aborted) throw error;
    });
  return () => stopped.abort();
}

function tabLockName(room: string, tab: TabId): string {
  return `tabkeeper/${room}/tab/${tab}`;
}

function acquire(name: string, patient: boolean): Promise<SeatLock | null> {
  return new Promise((resolve, reject) => {
    const options: LockOptions = patient
      ? { signal: AbortSignal.timeout(PATIENCE_MS) }
      : { ifAvailable: true };
    navigator.locks
      .request(name, options, (lock) => {
        if (lock === null) {
          resolve(null);
          return undefined;
        }
        return new Promise<void>((release) => resolve({ real: true, release }));
      })
      .catch((error: unknown) => {
        if (error instanceof DOMException && error.name === 'TimeoutError') resolve(null);
        else reject(error);
      });
  });
}
