/** The inspector's Worker: unpacks what was dropped and holds the opened directory, so that the page stays quick. */

import { expose, proxy, type ProxyMarked } from 'comlink';
import { type FileSet, fileSetsOf, type NamedBytes } from '../../inspector/dataFiles.ts';
import {
  Inspection,
  type InspectionReport,
  type TreeReport,
  type TxnDetail,
  type TxnFilter,
} from '../../inspector/inspection.ts';
import type { NodeReport } from '../../inspector/nodeReport.ts';
import { TreeHistory } from '../../inspector/treeHistory.ts';
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
  #opened: { readonly set: FileSet; readonly inspection: Inspection } | null = null;

  /** Answers the folders of the servers found. Throws an error for people where a file cannot be unpacked. */
  receive(files: readonly NamedBytes[]): readonly string[] {
    this.#opened = null;
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
    const inspection = new Inspection(set);
    this.#opened = { set, inspection };
    return inspection.report;
  }

  filter(filter: TxnFilter): number {
    return this.#inspection.filter(filter);
  }

  rows(from: number, count: number): readonly TxnRow[] {
    return this.#inspection.rows(from, count);
  }

  detail(index: number): TxnDetail | null {
    return this.#inspection.detail(index);
  }

  zxidAt(index: number): string {
    return this.#inspection.zxidAt(index);
  }

  tree(zxid: string, paths: readonly string[], selected: string): TreePage {
    const inspection = this.#inspection;
    return {
      ...inspection.treeAt(zxid),
      children: paths.flatMap((path) => {
        const names = inspection.childrenAt(zxid, path);
        return names === null ? [] : [[path, names] as const];
      }),
      node: inspection.nodeAt(zxid, selected),
    };
  }

  momentOf(zxid: string): number {
    return this.#inspection.momentOf(zxid);
  }

  /** Made anew at each call: it runs through all transactions. */
  history(): TreeHistory & ProxyMarked {
    return proxy(new TreeHistory(this.#open.set));
  }

  get #inspection(): Inspection {
    return this.#open.inspection;
  }

  get #open(): { readonly set: FileSet; readonly inspection: Inspection } {
    if (this.#opened === null) throw new Error('Nothing is open.');
    return this.#opened;
  }
}

expose(new InspectWorker());
