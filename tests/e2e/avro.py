# SPDX-License-Identifier: Apache-2.0
"""Avro object container files, read by hand and strictly: what is left over, or out of place, is an error."""
import json
import zlib


class Bytes:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        assert 0 <= count <= len(self.data) - self.at, "the file ends too early"
        self.at += count
        return self.data[self.at - count:self.at]

    def long(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7
            assert shift < 64, "a number of more than 64 bits"

    def text(self) -> bytes:
        return self.take(self.long())

    def done(self) -> bool:
        return self.at == len(self.data)


def value(schema, source: Bytes):
    if isinstance(schema, list):
        branch = source.long()
        assert 0 <= branch < len(schema), "no such branch"
        return value(schema[branch], source)
    kind = schema["type"] if isinstance(schema, dict) else schema
    if isinstance(kind, (dict, list)):
        return value(kind, source)
    if kind == "record":
        return {field["name"]: value(field["type"], source) for field in schema["fields"]}
    if kind == "array":
        items = []
        while (count := source.long()) != 0:
            assert count > 0
            items += [value(schema["items"], source) for _ in range(count)]
        return {each["key"]: each["value"] for each in items} if schema.get("logicalType") == "map" else items
    if kind == "null":
        return None
    if kind == "boolean":
        return {b"\0": False, b"\1": True}[source.take(1)]
    if kind in ("int", "long"):
        number = source.long()
        assert kind == "long" or -2 ** 31 <= number < 2 ** 31
        return number
    return source.text().decode() if kind == "string" else source.text()


def read(data: bytes) -> tuple[dict[str, str], list]:
    """The header's entries and the rows."""
    source = Bytes(data)
    assert source.take(4) == b"Obj\1"
    header = {}
    while (count := source.long()) != 0:
        for _ in range(count):
            name = source.text().decode()
            assert name not in header
            header[name] = source.text().decode()
    assert header["avro.codec"] == "deflate"
    schema, sync, rows = json.loads(header["avro.schema"]), source.take(16), []
    while not source.done():
        count, packed = source.long(), zlib.decompressobj(-15)
        block = Bytes(packed.decompress(source.text()))
        assert packed.eof and not packed.unused_data and source.take(16) == sync
        rows += [value(schema, block) for _ in range(count)]
        assert block.done(), "something follows the last row of a block"
    return header, rows
