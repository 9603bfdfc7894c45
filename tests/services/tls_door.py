"""A door with TLS before a server that has none: it takes connections for HTTP/2, hands their bytes on, and can cut them all."""

import asyncio
import ssl
import threading


class TlsDoor:
    def __init__(self, folder, port):
        self.folder = folder
        self.behind = port
        self.port = None
        self.taken = 0  # connections so far
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "door.pem")
        self.context.set_alpn_protocols(["h2"])
        self.writers = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        start = asyncio.start_server(self.take, "127.0.0.1", 0, ssl=self.context)
        self.server = asyncio.run_coroutine_threadsafe(start, self.loop).result()
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        self.cut()
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def cut(self):
        """Every connection breaks; new ones are taken."""

        async def abort():
            for writer in self.writers:
                writer.transport.abort()

        asyncio.run_coroutine_threadsafe(abort(), self.loop).result()

    async def take(self, reader, writer):
        self.taken += 1
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.behind)
        both = {writer, there_writer}
        self.writers |= both
        await asyncio.gather(pass_on(reader, there_writer), pass_on(there_reader, writer))
        self.writers -= both


async def pass_on(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except (OSError, ssl.SSLError):
        pass
    finally:
        writer.close()
