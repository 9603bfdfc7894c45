#pragma once

#include "io/sqlite.h"

/// SQLite under the names that this folder uses.
namespace millrace::stream {

using io::Connection;
using io::DatabaseFailure;
using io::DiskFailure;
using io::Statement;
using io::ThrowSqlite;
using io::Transaction;

}  // namespace millrace::stream
