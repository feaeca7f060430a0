/** What one connection has done, as `cons` prints it (`ServerCnxn`'s statistics). */

import { zxid, zxidToString, type Zxid } from '../wire/ids.ts';

export class CnxnStats {
  /** `Clock.wallTime()` when it was accepted. */
  readonly establishedMs: number;
  packetsReceivedCount = 0;
  packetsSentCount = 0;
  #lastOp = 'NA';
  #lastCxid = -1;
  #lastZxid = zxid(-1n);
  #lastResponseTimeMs = 0;
  #lastLatencyMs = 0;
  #minLatencyMs = Infinity;
  #maxLatencyMs = 0;
  #answeredCount = 0;
  #totalLatencyMs = 0;

  constructor(establishedMs: number) {
    this.establishedMs = establishedMs;
  }

  answered(cxid: number, lastZxid: Zxid, op: string, tookMs: number, nowMs: number): void {
    // Pings and the like must not hide the client's last real request.
    if (cxid >= 0) this.#lastCxid = cxid;
    this.#lastZxid = lastZxid;
    this.#lastOp = op;
    this.#lastResponseTimeMs = Math.floor(nowMs);
    const latencyMs = Math.floor(tookMs);
    this.#lastLatencyMs = latencyMs;
    this.#minLatencyMs = Math.min(this.#minLatencyMs, latencyMs);
    this.#maxLatencyMs = Math.max(this.#maxLatencyMs, latencyMs);
    this.#answeredCount += 1;
    this.#totalLatencyMs += latencyMs;
  }

  /** The `crst` command. */
  reset(): void {
    this.packetsReceivedCount = 0;
    this.packetsSentCount = 0;
    this.#lastOp = 'NA';
    this.#lastCxid = -1;
    this.#lastZxid = zxid(-1n);
    this.#lastResponseTimeMs = 0;
    this.#lastLatencyMs = 0;
    this.#minLatencyMs = Infinity;
    this.#maxLatencyMs = 0;
    this.#answeredCount = 0;
    this.#totalLatencyMs = 0;
  }

  get lastOp(): string {
    return this.#lastOp;
  }

  /** From `,lcxid=` (left out before the first request) to the end of the line. */
  latencyText(): string {
    const cxid = this.#lastCxid >= 0 ? `,lcxid=0x${this.#lastCxid.toString(16)}` : '';
    const min = this.#answeredCount === 0 ? 0 : this.#minLatencyMs;
    const average =
      this.#answeredCount === 0 ? 0 : Math.floor(this.#totalLatencyMs / this.#answeredCount);
    return (
      `${cxid},lzxid=${zxidToString(this.#lastZxid)},lresp=${this.#lastResponseTimeMs}` +
      `,llat=${this.#lastLatencyMs},minlat=${min},avglat=${average},maxlat=${this.#maxLatencyMs}`
    );
  }
}
