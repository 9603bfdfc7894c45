#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "document/firestore/firestore_options.h"
#include "io/grpc_client.h"

namespace google::protobuf {
class Message;
}

namespace millrace::document {

/// A call of the API.
struct FirestoreCall {
  std::string_view method;     // "Commit"
  std::string_view rest_verb;  // "commit"
  std::string on;              // the database, "projects/P/databases/D", or of a query the parent of its collection
  std::string_view message;    // the request, serialized; outlives the call
  const google::protobuf::Message& request_type;
  const google::protobuf::Message& answer_type;
};

/// Carries calls: by gRPC, or as JSON by the REST API, which is the same messages in protobuf's JSON. One attempt.
class FirestoreTransport {
 public:
  virtual ~FirestoreTransport() = default;
  /// `token`: empty: none. Throws HttpFailure when no whole answer came.
  virtual io::GrpcAnswer Send(const FirestoreCall& call, const std::string& token) = 0;
};

/// Borrows both.
std::unique_ptr<FirestoreTransport> MakeFirestoreTransport(const FirestoreServer& server, io::HttpClient& http);

}  // namespace millrace::document
