/*
 * The SDK's sockets for the firmware.
 * An exception that leaves a callback restarts the device. The SDK's
 * resolver parses any packet that arrives on its UDP socket, and sends from its own timers. A malformed packet or a lost route
 * must not restart the device, so the exception is caught here, and counts as a lost packet.
 */
import TCP from "embedded:io/socket/tcp";
import UDP from "embedded:io/socket/udp";

/** Accepts addresses only. */
export const tcp = Object.freeze({ io: TCP });

type UDPOptions = ConstructorParameters<typeof UDP>[0];

/** A UDP socket that drops packets that it cannot send, or that its owner cannot parse. */
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
