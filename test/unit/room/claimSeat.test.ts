import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { hold } from '../../../src/room/bindings.ts';
import type { TestTab } from './testWorld.ts';
import { TestBrowser, TestRoom } from './testWorld.ts';

const HELLO_MS = 100;
/** Virtual time costs real work: sealing and opening every message. */
vi.setConfig({ testTimeout: 60_000 });

async function seat(room: TestRoom, tab: TestTab, wish = {}): Promise<number | null> {
  await room.clock.run(HELLO_MS);
  tab.claim(wish);
  await room.clock.until(() => tab.result !== null);
  return tab.sid;
}

function reason(tab: TestTab): string {
  return tab.result?.kind === 'refused' ? tab.result.reason : 'not refused';
}

describe('claiming a seat', () => {
  it('gives voters out first, then observers', async () => {
    const room = new TestRoom(3, 1);
    const browser = new TestBrowser(3);
    const sids = [];
    for (let count = 0; count < 5; count++) sids.push(await seat(room, room.open(browser)));
    expect(sids).toEqual([1, 2, 3, 4, 5]);
  });

  it('never gives one sid to two tabs, however they race and wherever they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.record({ browser: fc.integer({ min: 0, max: 2 }), atMs: fc.nat(120) }), {
          minLength: 2,
          maxLength: 7,
        }),
        fc.boolean(),
        async (seed, plan, hasLocks) => {
          const room = new TestRoom(3, seed);
          const browsers = [0, 1, 2].map(() => new TestBrowser(3, hasLocks));
          const tabs: TestTab[] = [];
          for (const { browser, atMs } of plan) {
            room.clock.after(atMs, () => {
              const tab = room.open(browsers[browser] ?? new TestBrowser(3));
              tabs.push(tab);
              room.clock.after(HELLO_MS, () => tab.claim());
            });
          }
          await room.clock.until(
            () => tabs.length === plan.length && tabs.every((tab) => tab.result !== null),
          );
          const sids = tabs.map((tab) => tab.sid).sort();
          expect(new Set(sids).size).toBe(plan.length);
          const voters = sids.filter((sid) => sid !== null && sid <= 3);
          expect(voters.length).toBe(Math.min(3, plan.length));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('gives a browser the sid it has the data of', async () => {
    const room = new TestRoom(3, 2);
    const mine = new TestBrowser(3);
    const others = new TestBrowser(3);
    await seat(room, room.open(others));
    const tab = room.open(mine);
    expect(await seat(room, tab)).toBe(2);
    await seat(room, room.open(others));
    tab.close();
    expect(await seat(room, room.open(mine))).toBe(2);
  });

  it('does not give a server whose data others know to an empty disk, unless told to', async () => {
    const room = new TestRoom(3, 3);
    const owner = room.open(new TestBrowser(3));
    expect(await seat(room, owner)).toBe(1);
    await seat(room, room.open(new TestBrowser(3)));
    await seat(room, room.open(new TestBrowser(3)));
    owner.close();
    const stranger = room.open(new TestBrowser(3));
    expect(await seat(room, stranger)).toBe(4);
    const told = room.open(new TestBrowser(3));
    expect(await seat(room, told, { sid: 1 })).toBe(1);
    expect(told.result).toMatchObject({ seat: { fresh: true, firstOfItsName: false } });
  });

  it('gives the seat back to a tab that was reloaded before it had made its disk', async () => {
    const room = new TestRoom(3, 6);
    const browser = new TestBrowser(3);
    const early = room.open(browser);
    expect(await seat(room, early)).toBe(1);
    const promised = browser.disks.get(1);
    browser.disks.clear();
    early.close();
    const again = room.open(browser);
    expect(await seat(room, again, { lastSid: 1 })).toBe(1);
    expect(again.result).toMatchObject({
      seat: { diskId: promised, fresh: true, firstOfItsName: true },
    });
  });

  it('does not take a lost disk for one that was never made, once others linked to it', async () => {
    const room = new TestRoom(3, 6);
    const browser = new TestBrowser(3);
    const early = room.open(browser);
    await seat(room, early);
    const diskId = browser.disks.get(1) ?? '';
    browser.record = hold(browser.record, 1, { diskId, accepted: true });
    browser.disks.clear();
    early.close();
    expect(await seat(room, room.open(browser), { lastSid: 1 })).toBe(2);
  });

  it('refuses an earlier disk once the sid was given to another on purpose', async () => {
    const room = new TestRoom(3, 4);
    const old = new TestBrowser(3);
    const first = room.open(old);
    await seat(room, first);
    const witness = room.open(new TestBrowser(3));
    await seat(room, witness);
    first.close();
    await room.clock.run(HELLO_MS);
    const heir = room.open(new TestBrowser(3));
    // The heir has never met the first disk, so only the witness can count generations.
    expect(await seat(room, heir, { sid: 1 })).toBe(1);
    const back = room.open(old);
    expect(await seat(room, back)).not.toBe(1);
  });

  it('says so when the server it was told to be is running', async () => {
    const room = new TestRoom(3, 5);
    const browser = new TestBrowser(3);
    await seat(room, room.open(browser));
    const second = room.open(browser);
    expect(await seat(room, second, { sid: 1 })).toBeNull();
    expect(reason(second)).toContain('Server 1 is running in another tab');
  });

  it('says so when the links do not agree on the number of servers', async () => {
    const room = new TestRoom(3, 6);
    const five = room.open(new TestBrowser(5), 5);
    await seat(room, room.open(new TestBrowser(3)));
    await room.clock.run(HELLO_MS);
    expect(five.problems[0]).toContain('says the room has 3 servers, ours says 5');
  });

  it('takes the seat of a tab of the same browser that crashed without a word', async () => {
    const room = new TestRoom(3, 7);
    const browser = new TestBrowser(3);
    const crashed = room.open(browser);
    await seat(room, crashed);
    const witness = room.open(new TestBrowser(3));
    await seat(room, witness);
    crashed.crash();
    expect(witness.roster.occupantOf(1)).not.toBeNull();
    expect(await seat(room, room.open(browser))).toBe(1);
  });

  it('gives up when every seat is taken, and says what would help', async () => {
    const room = new TestRoom(1, 8);
    const browser = new TestBrowser(1);
    for (let sid = 1; sid <= 33; sid++) browser.locks.set(sid, 'another tab');
    const late = room.open(browser);
    expect(await seat(room, late)).toBeNull();
    expect(reason(late)).toBe(
      'Every seat of this room is taken. Close a tab, or open another room.',
    );
  });
});

describe('two halves of a room that met too late', () => {
  it('do not let a second disk in under a sid they know', async () => {
    const room = new TestRoom(3, 9);
    const home = new TestBrowser(3);
    const one = room.open(home);
    await seat(room, one);
    const two = room.open(home);
    await seat(room, two);
    const far = room.open(new TestBrowser(3));
    for (const tab of [one, two]) far.cutFrom.add(tab);
    expect(await seat(room, far)).toBe(1);
    far.cutFrom.clear();
    far.roster.sayHello();
    await room.clock.run(HELLO_MS);
    // From both of them, as often as it shows itself.
    expect(far.refusals.length).toBeGreaterThanOrEqual(2);
    expect(new Set(far.refusals)).toEqual(new Set([1]));
    expect(two.roster.holderOf(1)?.tab).toBe(one.signalling.tab);
  });
});
