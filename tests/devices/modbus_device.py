"""A Modbus TCP device by pymodbus, for the tests: says each write that it takes, on standard output.

usage: modbus_device.py HOST PORT     lines on standard input: `input ADDRESS VALUE`, `discrete ADDRESS 0|1`
"""

import asyncio
import logging
import sys

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

WRITES = {5: "coil", 6: "holding", 15: "coil", 16: "holding"}
TABLES = {"input": 4, "discrete": 2}
UNIT = 1


def trace(sending, pdu):
    table = WRITES.get(pdu.function_code)
    if not sending and table:
        values = list(pdu.bits[: max(pdu.count, 1)] if table == "coil" else pdu.registers)
        print("write", table, pdu.address, *map(int, values), flush=True)
    return pdu


def connected(is_connected):
    print("connected" if is_connected else "disconnected", flush=True)


async def main(host, port):
    logging.getLogger("pymodbus_internal").setLevel(logging.CRITICAL)
    bits = dict(datatype=DataType.BITS, count=4)
    numbers = dict(datatype=DataType.REGISTERS, count=64)
    blocks = (
        [SimData(0, values=[False] * 16, **bits)],
        [SimData(0, values=[False] * 16, **bits)],
        [SimData(0, values=0, **numbers)],
        [SimData(0, values=0, **numbers)],
    )
    device = SimDevice(UNIT, simdata=blocks)
    server = ModbusTcpServer(
        device, address=(host, int(port)), trace_pdu=trace, trace_connect=connected
    )
    await server.listen()
    print("ready", flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        table, address, *values = line.decode().split()
        values = [int(it) for it in values] if table == "input" else [it == "1" for it in values]
        await server.async_setValues(UNIT, TABLES[table], int(address), values)
        print("set", flush=True)


asyncio.run(main(*sys.argv[1:3]))
