/* Makes a house's broker end the connection whenever bytes with this text arrive; it accepts all others. */
import type { House } from "../../support/house.js";

export function closeOn(house: House, text: string): void {
  const { listen } = house.broker;
  house.broker = Object.assign(Object.create(house.broker), {
    listen: (peer: Parameters<typeof listen>[0]) => {
      const acceptor = listen(peer);
      return (
        acceptor && {
          data(bytes: Uint8Array) {
            if (Buffer.from(bytes).includes(text)) {
              peer.close();
              acceptor.ended();
            } else acceptor.data(bytes);
          },
          ended: () => acceptor.ended(),
        }
      );
    },
  });
}
