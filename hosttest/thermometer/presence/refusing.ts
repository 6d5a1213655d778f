/* A broker that closes the connection on what it does not accept. */
import { type ClientPacket, PacketReader } from "../../simulation/broker/packets.js";
import type { Peer } from "../../simulation/network.js";
import type { House } from "../../support/house.js";

/** From now on the house's broker closes the connection on packets that are refused. `refusals`: how often it did. */
export function refuse(house: House, isRefused: (packet: ClientPacket) => boolean): { refusals: number } {
  const listen = house.broker.listen;
  const seen = { refusals: 0 };
  house.broker = Object.assign(Object.create(house.broker), {
    listen: (peer: Peer) => {
      const acceptor = listen(peer);
      if (acceptor === undefined) return undefined;
      const reader = new PacketReader();
      let isOver = false;
      return {
        data(bytes: Uint8Array) {
          if (isOver) return;
          reader.push(bytes, (packet) => {
            isOver ||= isRefused(packet);
          });
          if (!isOver) return acceptor.data(bytes);
          seen.refusals++;
          peer.close();
          acceptor.ended();
        },
        ended: () => acceptor.ended(),
      };
    },
  });
  return seen;
}

/** Diagnostics, or a message about their entities. */
export const isDetail = (packet: ClientPacket): boolean =>
  packet.type === "publish" && /diagnostics$|details\d/.test(packet.topic);
