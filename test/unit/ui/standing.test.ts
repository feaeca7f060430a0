import { describe, expect, it } from 'vitest';
import type { Member, ServerStatus } from '../../../src/room/admin.ts';
import { standingOf } from '../../../src/ui/room/standing.ts';
import { epoch, sid, zxid } from '../../../src/wire/ids.ts';

const looking: ServerStatus = {
  sid: sid(4),
  state: 'LOOKING',
  leader: null,
  epoch: epoch(0),
  zxid: zxid(0n),
  serving: false,
  servers: [sid(1), sid(2), sid(3)],
  stopped: null,
};

function voter(number: number, member: Partial<Member>): Member {
  return {
    sid: sid(number),
    kind: 'participant',
    isSelf: false,
    disk: 'here',
    presence: 'here',
    state: 'LOOKING',
    serving: false,
    zxid: zxid(0n),
    link: null,
    ...member,
  };
}

const gone = { presence: 'absent', state: null, zxid: null } as const;

const standing = (...voters: readonly Partial<Member>[]) =>
  standingOf(
    looking,
    voters.map((member, index) => voter(index + 1, member)),
  );

describe('without a leader', () => {
  it('a quorum that is here elects', () => {
    expect(standing({}, {}, gone)).toEqual({ kind: 'electing', hereCount: 2, quorumCount: 2 });
  });

  it('a tab more would help where its data is in this browser, or where nobody has been that server', () => {
    const expected = { kind: 'lostQuorum', hereCount: 1, missingCount: 1 };
    expect(standing({}, { ...gone, disk: 'here' }, { ...gone, disk: 'elsewhere' })).toEqual(
      expected,
    );
    expect(standing({}, { ...gone, disk: 'none' }, { ...gone, disk: 'elsewhere' })).toEqual(
      expected,
    );
  });

  it('no tab would help where the data of too many servers is not in this browser', () => {
    const away = { ...gone, disk: 'elsewhere' } as const;
    expect(standing(away, away, away)).toEqual({
      kind: 'lostData',
      hereCount: 0,
      sids: [sid(1), sid(2), sid(3)],
    });
    expect(standing({}, away, away)).toEqual({
      kind: 'lostData',
      hereCount: 1,
      sids: [sid(2), sid(3)],
    });
  });

  it('a server that has lost its data counts as missing, although it is here', () => {
    const empty = { disk: 'here', zxid: zxid(-1n) } as const;
    expect(standing({}, empty, empty)).toEqual({
      kind: 'lostData',
      hereCount: 1,
      sids: [sid(2), sid(3)],
    });
    expect(standing({}, empty, { ...gone, disk: 'here' })).toEqual({
      kind: 'lostQuorum',
      hereCount: 1,
      missingCount: 1,
    });
  });
});
