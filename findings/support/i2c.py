"""A bus with one chip, for the drivers that take a CircuitPython `busio.I2C`; the chip is a function of the register and of what was written to it."""


class Bus:
    """`read(register, count)` gives bytes; `write(register, data)` takes them."""

    def __init__(self, read, write):
        self.read = read
        self.write = write
        self.register = 0

    def try_lock(self):
        return True

    def unlock(self):
        pass

    def writeto(self, address, buffer, *, start=0, end=None):
        sent = bytes(buffer)[start:end]
        if not sent:  # a driver's probe whether a chip answers
            return
        self.register = sent[0]
        if len(sent) > 1:
            self.write(sent[0], sent[1:])

    def readfrom_into(self, address, buffer, *, start=0, end=None):
        end = len(buffer) if end is None else end
        buffer[start:end] = self.read(self.register, end - start)

    def writeto_then_readfrom(self, address, out_buffer, in_buffer, *, out_start=0, out_end=None, in_start=0, in_end=None):
        self.writeto(address, out_buffer, start=out_start, end=out_end)
        self.readfrom_into(address, in_buffer, start=in_start, end=in_end)
