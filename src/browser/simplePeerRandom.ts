/** In place of the `randombytes` package: simple-peer only ever asks for a name in hex. */

const randomBytes = (countBytes: number) => ({
  toString: (): string =>
    [...crypto.getRandomValues(new Uint8Array(countBytes))]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join(''),
});

export { randomBytes as 'module.exports' };
