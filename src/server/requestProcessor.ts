/** One link of a role's chain of processors. Interface only. */

import type { Request } from './request.ts';

export interface RequestProcessor {
  /** Takes the request; it may pass it on within this call or after a later event, but always in order. */
  processRequest(request: Request): void;
  /** Passes nothing on any more, drops what it holds, and shuts the next processor down. */
  shutdown(): void;
}
