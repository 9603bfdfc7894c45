#pragma once

#include <string>

#include "io/mongo_client.h"

namespace millrace::document {

/// Writes a document into a collection of its own, reads it, deletes it and drops the collection again. Error as of
/// ThrowMongo, with what was tried. `collection` is one that nothing else is called.
void ProbeMongoDatabase(const io::MongoOptions& server, const std::string& database, const std::string& collection);

}  // namespace millrace::document
