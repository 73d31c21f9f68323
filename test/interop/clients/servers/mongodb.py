"""MockupDB, a MongoDB server in Python, which keeps what is inserted by collection. Prints its port."""

import json
import sys
from collections import defaultdict
from itertools import count

from bson import Int64
from mockupdb import MockupDB

FIRST_BATCH = 100
collections = defaultdict(list)


def name_of(request):
    command = next(iter(request.doc))
    return "%s.%s" % (request.doc["$db"], request.doc[command])


def insert(request):
    documents = request.doc["documents"]
    have = {document["_id"] for document in collections[name_of(request)]}
    for index, document in enumerate(documents):
        if document["_id"] in have:
            error = {"index": index, "code": 11000, "errmsg": "E11000 duplicate key error"}
            return request.ok(n=index, writeErrors=[error])
        collections[name_of(request)].append(document)
    return request.ok(n=len(documents))


def find(request):
    wanted = request.doc.get("filter", {}).items()
    found = [each for each in collections[name_of(request)] if all(each.get(k) == v for k, v in wanted)]
    size = request.doc.get("batchSize", FIRST_BATCH)
    cursor = Int64(next(cursors)) if len(found) > size else Int64(0)
    waiting[int(cursor)] = found[size:]
    return request.ok(cursor={"id": cursor, "ns": name_of(request), "firstBatch": found[:size]})


# Of clients beside each other.
cursors = count(1)
waiting = {}


def get_more(request):
    documents = waiting.pop(int(request.doc["getMore"]), [])
    ns = "%s.%s" % (request.doc["$db"], request.doc["collection"])
    return request.ok(cursor={"id": Int64(0), "ns": ns, "nextBatch": documents})


# What is not here is left to MockupDB, such as hello.
HANDLERS = {
    "insert": insert,
    "find": find,
    "getMore": get_more,
    "ping": lambda request: request.ok(),
    "endSessions": lambda request: request.ok(),
    "fail": lambda request: request.command_err(42, "failing as asked"),
    "silence": lambda request: True,
}
MODERN = {
    "isWritablePrimary": True,
    "minWireVersion": 0,
    "maxWireVersion": 21,
    "maxBsonObjectSize": 16 << 20,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
}
server = MockupDB(auto_ismaster=MODERN, port=0)
server.autoresponds(lambda request: HANDLERS.get(next(iter(request.doc)), lambda _: None)(request))
server.run()
print(json.dumps({"ready": True, "port": server.port}, separators=(",", ":")), flush=True)
sys.stdin.read()
server.stop()
