/* Replaces the header that the SDK's linker generates; the C files of the firmware that are compiled here need nothing from it. */
