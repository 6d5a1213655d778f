/*
 * The SDK's sockets as this firmware gives them to its rooms.
 * An exception that leaves a callback restarts the device. Ours are recorded by the board's abort hook; but the SDK's
 * resolver parses whatever arrives on its UDP socket, and sends from timers of its own: a malformed packet or a lost route
 * must not restart anything, so it ends here and counts as a packet that was lost.
 */
import TCP from "embedded:io/socket/tcp";
import UDP from "embedded:io/socket/udp";

/** Takes addresses only. */
export const tcp = Object.freeze({ io: TCP });

type UDPOptions = ConstructorParameters<typeof UDP>[0];

/** A UDP socket that loses what it cannot send, and what its owner cannot read. */
export class LossyUDP extends UDP {
  constructor(options: UDPOptions) {
    const onReadable = options.onReadable;
    super({
      ...options,
      onReadable(packets: number): void {
        try {
          onReadable?.call(this, packets);
        } catch {
          // malformed
        }
      },
    });
  }

  override write(...packet: Parameters<UDP["write"]>): void {
    try {
      super.write(...packet);
    } catch {
      // no route, or no address
    }
  }
}
