/* In place of the header that the SDK's linker makes: what the firmware's C files here need of it is nothing. */
