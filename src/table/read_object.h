#pragma once

#include <functional>
#include <string>

#include "io/object_store.h"

namespace millrace::table {

/// The bytes behind a URI that a table's metadata names. Error kData when it lies outside the store's root or is gone.
std::string ReadObject(io::ObjectStore& store, const std::string& uri);

/// The key of a URI below the store's root; Error kData when it lies outside.
std::string KeyOf(const io::ObjectStore& store, const std::string& uri);

}  // namespace millrace::table
