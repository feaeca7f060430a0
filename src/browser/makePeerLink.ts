/** Makes one end of a link of either kind. Apart from {@link LinkPair}, which so knows neither WebRTC nor a BroadcastChannel. */

import { BroadcastLink } from './broadcastLink.ts';
import type { LinkKind, PeerLink, PeerLinkHandler } from './peerLink.ts';
import { SimplePeerLink } from './simplePeerLink.ts';

/** `id` is the link's random id; `opens`: this end makes the offer. */
export function makePeerLink(
  kind: LinkKind,
  id: string,
  opens: boolean,
  handler: PeerLinkHandler,
): PeerLink {
  return kind === 'webrtc'
    ? new SimplePeerLink(opens, handler)
    : new BroadcastLink(id, opens ? 'first' : 'second', handler);
}
