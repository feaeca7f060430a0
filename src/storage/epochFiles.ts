/**
 * `acceptedEpoch` and `currentEpoch`: the two promises that a server keeps across crashes (ZooKeeper's `QuorumPeer`).
 * It reads and writes them; when they may change is the quorum's business.
 */

import { assert } from '../base/assert.ts';
import type { Disk, DiskResult, Done } from '../ports/disk.ts';
import type { Probe } from '../ports/probe.ts';
import type { World } from '../ports/world.ts';
import { epoch, epochOf, zxidToString, type Epoch, type Zxid } from '../wire/ids.ts';
import { inSequence } from './diskSteps.ts';
import { failure, type StorageDone, type StorageResult } from './storageError.ts';

const ACCEPTED_EPOCH_FILE = 'acceptedEpoch';
const CURRENT_EPOCH_FILE = 'currentEpoch';
/** What ZooKeeper writes before it renames it to `currentEpoch`; left over when a crash came between the two. */
const CURRENT_EPOCH_TMP_FILE = 'currentEpoch.tmp';

type EpochFile = typeof ACCEPTED_EPOCH_FILE | typeof CURRENT_EPOCH_FILE;

/** More than the 20 characters that a 64-bit number takes is no epoch. */
const MAX_FILE_BYTES = 64;

/** What the files hold; null: no such file. */
interface EpochsFound {
  accepted: Epoch | null;
  current: Epoch | null;
  /** `currentEpoch.tmp`; null too where its text is cut short: it was written without being promised to anybody. */
  currentTmp: Epoch | null;
  hasTmpFile: boolean;
}

export class EpochFiles {
  readonly #disk: Disk;
  readonly #probe: Probe;
  #epochs: { readonly accepted: Epoch; readonly current: Epoch } | null = null;

  constructor(world: Pick<World, 'disk' | 'probe'>) {
    this.#disk = world.disk;
    this.#probe = world.probe;
  }

  /** The newest epoch whose leader this server agreed to follow. Only after {@link load}. */
  get acceptedEpoch(): Epoch {
    return this.#loaded.accepted;
  }

  /** The newest epoch whose history this server has in full: what it votes with. Only after {@link load}. */
  get currentEpoch(): Epoch {
    return this.#loaded.current;
  }

  /**
   * Reads both; a missing one becomes that of `lastZxid`, the last transaction loaded, and is written. Fails with
   * `corrupt` or `incomplete` where the files contradict each other or the log.
   */
  load(lastZxid: Zxid, done: StorageDone<void>): void {
    this.#epochs = null;
    const found: EpochsFound = {
      accepted: null,
      current: null,
      currentTmp: null,
      hasTmpFile: false,
    };
    this.#read(ACCEPTED_EPOCH_FILE, (accepted) => {
      if (!accepted.ok) return done(accepted);
      found.accepted = accepted.value;
      this.#read(CURRENT_EPOCH_FILE, (current) => {
        if (!current.ok) return done(current);
        found.current = current.value;
        this.#readTmp(found, (tmp) => (tmp.ok ? this.#settle(found, lastZxid, done) : done(tmp)));
      });
    });
  }

  /** Durable, and visible here, when answered. */
  setAcceptedEpoch(value: Epoch, done: Done<void>): void {
    this.#write(ACCEPTED_EPOCH_FILE, value, (result) => {
      if (result.ok) this.#epochs = { accepted: value, current: this.#loaded.current };
      done(result);
    });
  }

  /** Durable, and visible here, when answered. `acceptedEpoch` has to be there already. */
  setCurrentEpoch(value: Epoch, done: Done<void>): void {
    const { accepted } = this.#loaded;
    assert(value <= accepted, `current epoch ${value} before epoch ${accepted} is accepted`);
    this.#write(CURRENT_EPOCH_FILE, value, (result) => {
      if (result.ok) this.#epochs = { accepted: this.#loaded.accepted, current: value };
      done(result);
    });
  }

  get #loaded(): { readonly accepted: Epoch; readonly current: Epoch } {
    assert(this.#epochs !== null, 'epochs are known only after they were loaded');
    return this.#epochs;
  }

  /**
   * The files after a start. A log that is ahead of `currentEpoch` is no damage: a server logs what it lacks of the new
   * leader's history, flushes, and only then writes the epoch. It keeps the file's epoch, with which it loses against
   * everyone who has that history in full; but it cannot have logged anything of an epoch it never accepted.
   */
  #settle(found: EpochsFound, lastZxid: Zxid, done: StorageDone<void>): void {
    const logEpoch = epochOf(lastZxid);
    const accepted = found.accepted ?? logEpoch;
    const current = currentAfterStart(found, logEpoch);
    if (accepted < current) {
      return done(
        failure(
          'corrupt',
          ACCEPTED_EPOCH_FILE,
          `the accepted epoch, ${accepted}, is less than the current epoch, ${current}: ` +
            'one of the two files is from another time. Restore both from one copy.',
        ),
      );
    }
    if (accepted < logEpoch) {
      return done(
        failure(
          'incomplete',
          ACCEPTED_EPOCH_FILE,
          `the accepted epoch, ${accepted}, is older than the last transaction, ${zxidToString(lastZxid)}: ` +
            'the epoch files are from an earlier time than the log. Restore them from the same copy as the log.',
        ),
      );
    }
    inSequence(
      [
        ...(found.accepted === accepted ? [] : [this.#writing(ACCEPTED_EPOCH_FILE, accepted)]),
        ...(found.current === current ? [] : [this.#writing(CURRENT_EPOCH_FILE, current)]),
        ...(found.hasTmpFile
          ? [(next: Done<void>) => this.#disk.remove(CURRENT_EPOCH_TMP_FILE, next)]
          : []),
      ],
      (result) => {
        if (result.ok) this.#epochs = { accepted, current };
        done(result);
      },
    );
  }

  #readTmp(found: EpochsFound, done: (result: StorageResult<void>) => void): void {
    this.#disk.read(CURRENT_EPOCH_TMP_FILE, 0, MAX_FILE_BYTES, (result) => {
      if (!result.ok && result.error.kind !== 'missing') return done(result);
      if (result.ok) {
        found.hasTmpFile = true;
        found.currentTmp = parseEpoch(result.value);
      }
      done({ ok: true, value: undefined });
    });
  }

  #read(file: EpochFile, done: (result: StorageResult<Epoch | null>) => void): void {
    this.#disk.read(file, 0, MAX_FILE_BYTES, (result) => {
      if (!result.ok) {
        return done(result.error.kind === 'missing' ? { ok: true, value: null } : result);
      }
      const value = parseEpoch(result.value);
      if (value !== null) return done({ ok: true, value });
      const message = `${file} does not hold a decimal number. Restore it from a copy.`;
      done(failure('corrupt', file, message));
    });
  }

  #writing(file: EpochFile, value: Epoch): (done: Done<void>) => void {
    return (done) => this.#write(file, value, done);
  }

  #write(file: EpochFile, value: Epoch, done: Done<void>): void {
    this.#disk.replace(file, [asciiOf(value.toString())], (result: DiskResult<void>) => {
      const probe = this.#probe;
      if (probe.watches('storage')) {
        probe.emit(
          result.ok
            ? { topic: 'storage', type: 'epochWritten', file, epoch: value }
            : { topic: 'storage', type: 'failed', ...result.error },
        );
      }
      done(result);
    });
  }
}

/** `currentEpoch.tmp` is consulted as 3.8 does, only where the log is ahead; one that cannot be meant is passed over. */
function currentAfterStart(found: EpochsFound, logEpoch: Epoch): Epoch {
  const current = found.current ?? logEpoch;
  const tmp = found.currentTmp;
  const tmpCounts = tmp !== null && tmp > current && tmp >= logEpoch;
  return logEpoch > current && tmpCounts ? tmp : current;
}

function asciiOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The number in the file's first line, as ZooKeeper reads it; null if there is none. */
function parseEpoch(bytes: Uint8Array): Epoch | null {
  const text = String.fromCharCode(...bytes);
  const digits = /^(-?\d{1,19})\s*(?:\n|$)/.exec(text)?.[1];
  return digits === undefined ? null : epoch(BigInt(digits));
}
