#pragma once

#include <chrono>
#include <string>

#include "io/google_token.h"
#include "io/retry_budget.h"

namespace millrace::document {

/// What becomes of a number that neither an integer of 64 bits nor a double holds with all its digits.
enum class LongNumbers { kRefuse, kText };

/// How Firestore is spoken to.
enum class FirestoreApi { kGrpc, kRest };

/// A database of Firestore's.
struct FirestoreServer {
  std::string project;
  std::string database = "(default)";
  /// "https://host", or an emulator's "http://host:port", which gets no token. Empty: FIRESTORE_EMULATOR_HOST where
  /// that is set, else Google's own.
  std::string endpoint;
  FirestoreApi api = FirestoreApi::kGrpc;
  io::GoogleCredentialsOptions credentials;
  std::string ca_file;
  std::chrono::milliseconds timeout{30'000};  // of one request
  io::RetryBudget::Options retry;
};

struct FirestoreStoreOptions {
  FirestoreServer server;
  std::string collection;             // or a path to one below a document: "shops/x/orders"
  std::string quarantine_collection;  // empty: `<collection>_quarantine`
  std::string positions_collection = "_millrace_positions";
  LongNumbers long_numbers = LongNumbers::kRefuse;
  std::string scope;  // whose positions these are: unique among all who write into the database
  std::chrono::milliseconds deleted_for = std::chrono::hours(24);
  int writers = 8;  // commits under way at a time
};

}  // namespace millrace::document
