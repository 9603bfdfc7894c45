#pragma once

#include <string>

#include "io/mongo_client.h"

namespace millrace::document {

struct MongoStoreOptions {
  io::MongoOptions server;
  std::string database;
  std::string collection;
  std::string scope;  // whose positions these are: unique among all who write into the database
  int writers = 4;    // requests under way at a time
};

}  // namespace millrace::document
