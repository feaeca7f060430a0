/** Whether the browser has promised to keep this site's data when space runs short (`navigator.storage`). */

/** `unknown`: the browser does not say, as in a page opened over plain http from another machine. */
export type StoragePromise = 'kept' | 'mayBeDropped' | 'unknown';

export async function storagePromise(): Promise<StoragePromise> {
  const storage = storageManager();
  if (storage === null) return 'unknown';
  return (await storage.persisted()) ? 'kept' : 'mayBeDropped';
}

/** Asks for the promise; some browsers then ask the person, so only call it when somebody wants it. */
export async function askToKeep(): Promise<StoragePromise> {
  const storage = storageManager();
  if (storage === null) return 'unknown';
  return (await storage.persist()) ? 'kept' : 'mayBeDropped';
}

/** Null where the page is no secure context, whatever the types say. */
function storageManager(): StorageManager | null {
  const { storage } = navigator as { storage?: StorageManager };
  return storage !== undefined && 'persist' in storage ? storage : null;
}
