#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "document/firestore/firestore.pb.h"
#include "document/firestore/firestore_options.h"
#include "document/firestore/firestore_transport.h"
#include "io/google_token.h"
#include "io/grpc_client.h"
#include "io/http_client.h"
#include "io/retry_budget.h"

namespace millrace::document {

/// Calls of Firestore's API, again when the failure may pass (throttling too): with backoff, within the retry budget,
/// with another token once when one was refused. A commit may be done twice: its preconditions must bear that.
/// Thread-safe.
class FirestoreClient {
 public:
  /// Error kUnavailable everywhere when the retries are used up, kConfig where credentials or names are wrong.
  explicit FirestoreClient(FirestoreServer server);

  /// Those that are there, of documents by their full names; with none but the members of `mask`.
  std::vector<firestore::Document> BatchGet(const std::vector<std::string>& names, const std::string& mask);
  /// `parent`: what the collection lies below, "projects/P/databases/D/documents".
  std::vector<firestore::Document> RunQuery(const firestore::RunQueryRequest& query);
  /// All of the writes, or none. Any answer that will not pass by itself.
  io::GrpcAnswer Commit(const firestore::SerializedCommit& commit);

  /// "projects/P/databases/D".
  const std::string& database() const { return database_; }

 private:
  class Attempts;
  io::GrpcAnswer Send(const FirestoreCall& call);

  const FirestoreServer server_;
  const std::string database_;
  io::HttpClient http_;
  const std::unique_ptr<FirestoreTransport> transport_;
  io::GoogleTokens tokens_;
  io::RetryBudget budget_;
};

/// kConfig where the configuration is to be mended, else kStop. `what` is what was asked.
Error ErrorOf(const io::GrpcAnswer& answer, const std::string& what);

}  // namespace millrace::document
