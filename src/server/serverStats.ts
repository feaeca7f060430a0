/** What a role has counted since it began: packets, latencies, reply sizes, and the metrics of `mntr` (`ServerStats`). */

/** Average, least, most, count and sum of whole numbers, as `mntr` prints a ZooKeeper summary. */
export class Summary {
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = 0;

  add(value: number): void {
    this.#count += 1;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  reset(): void {
    this.#count = 0;
    this.#sum = 0;
    this.#min = Infinity;
    this.#max = 0;
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  /** 0 while nothing was added. */
  get min(): number {
    return this.#count === 0 ? 0 : this.#min;
  }

  get max(): number {
    return this.#max;
  }

  get average(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }
}

/** Last, least and most of the sizes of something; -1 before the first, as ZooKeeper's BufferStats. */
class BufferStats {
  last = -1;
  min = -1;
  max = -1;

  add(sizeBytes: number): void {
    this.last = sizeBytes;
    if (this.min === -1 || sizeBytes < this.min) this.min = sizeBytes;
    if (sizeBytes > this.max) this.max = sizeBytes;
  }

  reset(): void {
    this.last = -1;
    this.min = -1;
    this.max = -1;
  }
}

export class ServerStats {
  /** `Clock.now()` when the role began. */
  readonly startTimeMs: number;

  packetsReceivedCount = 0;
  packetsSentCount = 0;
  bytesReceivedCount = 0;
  responseBytesCount = 0;
  watchBytesCount = 0;
  authFailedCount = 0;
  connectionRequestCount = 0;
  connectionRevalidateCount = 0;
  connectionDropCount = 0;
  staleSessionsExpiredCount = 0;
  prepRequestCount = 0;
  syncRequestCount = 0;

  /** Whole milliseconds between a request's arrival and its reply. */
  readonly latency = new Summary();
  readonly readLatency = new Summary();
  readonly updateLatency = new Summary();
  /** Between the leader's stamp and our applying it. */
  readonly propagationLatency = new Summary();
  readonly fsyncTime = new Summary();
  readonly syncBatchSize = new Summary();
  readonly snapshotTime = new Summary();
  readonly clientResponse = new BufferStats();

  constructor(startTimeMs: number) {
    this.startTimeMs = startTimeMs;
  }

  /** A request was answered `latencyMs` after it had come; `isWrite` if it was a transaction. */
  answered(latencyMs: number, isWrite: boolean): void {
    const wholeMs = Math.floor(latencyMs);
    this.latency.add(wholeMs);
    (isWrite ? this.updateLatency : this.readLatency).add(wholeMs);
  }

  /** The `srst` command. */
  reset(): void {
    this.packetsReceivedCount = 0;
    this.packetsSentCount = 0;
    this.latency.reset();
    this.clientResponse.reset();
  }
}
