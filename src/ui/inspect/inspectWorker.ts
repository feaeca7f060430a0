/** The inspector's Worker: unpacks what was dropped and holds the opened directory, so that the page stays quick. */

import { expose } from 'comlink';
import { type FileSet, fileSetsOf, type NamedBytes } from '../../inspector/dataFiles.ts';
import {
  Inspection,
  type InspectionReport,
  type TreeReport,
  type TxnDetail,
  type TxnFilter,
} from '../../inspector/inspection.ts';
import type { NodeReport } from '../../inspector/nodeReport.ts';
import type { TxnRow } from '../../inspector/txnRow.ts';
import { unpackFiles } from '../../inspector/unpackedFiles.ts';

export interface TreePage extends TreeReport {
  /** Children by path, of the paths asked for that there are. */
  readonly children: readonly (readonly [string, readonly string[]])[];
  /** The node asked for; null if there is none. */
  readonly node: NodeReport | null;
}

export class InspectWorker {
  #sets: readonly FileSet[] = [];
  #inspection: Inspection | null = null;

  /** Answers the folders of the servers found. Throws an error for people where a file cannot be unpacked. */
  receive(files: readonly NamedBytes[]): readonly string[] {
    this.#inspection = null;
    this.#sets = fileSetsOf(unpackFiles(files));
    return this.#sets.map(({ folder }) => folder);
  }

  open(index: number): InspectionReport {
    const set = this.#sets[index];
    if (set === undefined || (set.logs.length === 0 && set.snapshots.length === 0)) {
      throw new Error(
        'There is no log.* and no snapshot.* file in it. Drop files of a version-2 folder, or a zip of one.',
      );
    }
    this.#inspection = new Inspection(set);
    return this.#inspection.report;
  }

  filter(filter: TxnFilter): number {
    return this.#opened.filter(filter);
  }

  rows(from: number, count: number): readonly TxnRow[] {
    return this.#opened.rows(from, count);
  }

  detail(index: number): TxnDetail | null {
    return this.#opened.detail(index);
  }

  zxidAt(index: number): string {
    return this.#opened.zxidAt(index);
  }

  tree(zxid: string, paths: readonly string[], selected: string): TreePage {
    const inspection = this.#opened;
    return {
      ...inspection.treeAt(zxid),
      children: paths.flatMap((path) => {
        const names = inspection.childrenAt(zxid, path);
        return names === null ? [] : [[path, names] as const];
      }),
      node: inspection.nodeAt(zxid, selected),
    };
  }

  get #opened(): Inspection {
    if (this.#inspection === null) throw new Error('Nothing is open.');
    return this.#inspection;
  }
}

expose(new InspectWorker());
