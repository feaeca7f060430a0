/** Files out of a drop or a file dialog, folders walked, with the paths they have in there. Nothing is sent anywhere. */

import type { NamedBytes } from '../../inspector/dataFiles.ts';

/** Throws what the browser throws for a file that cannot be read (gone, no permission). */
export async function filesOfDrop(transfer: DataTransfer): Promise<NamedBytes[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  const known = entries.filter((entry) => entry !== null);
  if (known.length === 0) return filesOfList(transfer.files);
  return (await Promise.all(known.map(walk))).flat();
}

export function filesOfList(list: FileList): Promise<NamedBytes[]> {
  return Promise.all([...list].map((file) => read(file, file.webkitRelativePath || file.name)));
}

async function walk(entry: FileSystemEntry): Promise<NamedBytes[]> {
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [await read(file, entry.fullPath.replace(/^\//, ''))];
  }
  if (!isDirectory(entry)) return [];
  const reader = entry.createReader();
  const found: NamedBytes[] = [];
  // The browser gives a folder's entries in portions; an empty one is the end.
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (portion.length === 0) return found;
    found.push(...(await Promise.all(portion.map(walk))).flat());
  }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isDirectory = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry =>
  entry.isDirectory;

async function read(file: File, path: string): Promise<NamedBytes> {
  return { path, bytes: new Uint8Array(await file.arrayBuffer()) };
}
