#include "document/firestore/firestore_client.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

namespace millrace::document {
namespace {

using io::GrpcAnswer;
using io::GrpcCode;

constexpr const char* kGoogle = "https://firestore.googleapis.com";
constexpr const char* kScope = "https://www.googleapis.com/auth/datastore";

bool IsPassing(GrpcCode code) {
  switch (code) {
    case GrpcCode::kCancelled:
    case GrpcCode::kUnknown:
    case GrpcCode::kDeadlineExceeded:
    case GrpcCode::kResourceExhausted:  // throttled
    case GrpcCode::kAborted:            // too many at one document; nothing was done
    case GrpcCode::kInternal:
    case GrpcCode::kUnavailable:
      return true;
    case GrpcCode::kOk:
    case GrpcCode::kInvalidArgument:
    case GrpcCode::kNotFound:
    case GrpcCode::kAlreadyExists:
    case GrpcCode::kPermissionDenied:
    case GrpcCode::kFailedPrecondition:
    case GrpcCode::kOutOfRange:
    case GrpcCode::kUnimplemented:
    case GrpcCode::kDataLoss:
    case GrpcCode::kUnauthenticated:
      return false;
  }
  return false;
}

FirestoreServer Completed(FirestoreServer server) {
  if (server.endpoint.empty()) {
    const char* emulator = std::getenv("FIRESTORE_EMULATOR_HOST");
    server.endpoint = emulator == nullptr || *emulator == '\0' ? kGoogle : "http://" + std::string(emulator);
  }
  if (server.endpoint.ends_with('/')) server.endpoint.pop_back();
  server.credentials.scope = kScope;
  return server;
}

io::HttpClient::Options HttpOptions(const FirestoreServer& server) {
  io::HttpClient::Options options;
  options.ca_file = server.ca_file;
  return options;
}

std::string Said(const GrpcAnswer& answer, std::string_view what) {
  return fmt::format("{}: {}{}{}", what, ToString(answer.code), answer.message.empty() ? "" : ", ", answer.message);
}

template <typename Response>
std::vector<Response> Parsed(const GrpcAnswer& answer, const std::string& what) {
  if (answer.code != GrpcCode::kOk) throw ErrorOf(answer, what);
  std::vector<Response> responses(answer.messages.size());
  for (size_t i = 0; i < responses.size(); ++i) {
    if (responses[i].ParseFromString(answer.messages[i])) continue;
    throw Error(ErrorCode::kUnavailable, what + ": the answer cannot be read");
  }
  return responses;
}

}  // namespace

/// The attempts of one call.
class FirestoreClient::Attempts {
 public:
  Attempts(FirestoreClient& client, const FirestoreCall& call) : client_(client), call_(call) {}

  GrpcAnswer Run() {
    for (;;) {
      ++attempts_;
      if (auto answer = Once()) return std::move(*answer);
    }
  }

 private:
  /// nullopt: it failed and was waited for.
  std::optional<GrpcAnswer> Once() {
    GrpcAnswer answer;
    std::string token;
    try {
      if (client_.server_.endpoint.starts_with("https:")) token = client_.tokens_.Get();
      answer = client_.transport_->Send(call_, token);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnavailable || !client_.budget_.WaitToRetry(attempts_)) throw;
      return std::nullopt;
    }
    if (answer.code == GrpcCode::kUnauthenticated && !token.empty() && !std::exchange(renewed_, true)) {
      client_.tokens_.Forget(token);
      return std::nullopt;
    }
    if (!IsPassing(answer.code)) {
      client_.budget_.Succeeded();
      return answer;
    }
    if (!client_.budget_.WaitToRetry(attempts_)) {
      throw Error(ErrorCode::kUnavailable,
                  Said(answer, fmt::format("Firestore's {}", call_.method)) + "; it is busy or down, try again later");
    }
    return std::nullopt;
  }

  FirestoreClient& client_;
  const FirestoreCall& call_;
  int attempts_ = 0;
  bool renewed_ = false;
};

FirestoreClient::FirestoreClient(FirestoreServer server)
    : server_(Completed(std::move(server))),
      database_(fmt::format("projects/{}/databases/{}", server_.project, server_.database)),
      http_(HttpOptions(server_)),
      transport_(MakeFirestoreTransport(server_, http_)),
      tokens_(server_.credentials, http_),
      budget_(server_.retry) {}

GrpcAnswer FirestoreClient::Send(const FirestoreCall& call) { return Attempts(*this, call).Run(); }

std::vector<firestore::Document> FirestoreClient::BatchGet(const std::vector<std::string>& names,
                                                           const std::string& mask) {
  firestore::BatchGetDocumentsRequest request;
  request.set_database(database_);
  request.mutable_documents()->Add(names.begin(), names.end());
  request.mutable_mask()->add_field_paths(mask);
  const auto message = request.SerializeAsString();
  const std::string what = "looking at documents";
  auto responses =
      Parsed<firestore::BatchGetDocumentsResponse>(Send({"BatchGetDocuments", "batchGet", database_, message, request,
                                                         firestore::BatchGetDocumentsResponse::default_instance()}),
                                                   what);
  std::vector<firestore::Document> found;
  size_t missing = 0;
  for (auto& response : responses) {
    if (response.has_found()) found.push_back(std::move(*response.mutable_found()));
    missing += response.has_missing() ? 1 : 0;
  }
  if (found.size() + missing == names.size()) return found;
  throw Error(ErrorCode::kUnavailable, fmt::format("{}: of {} the server said nothing", what,
                                                   names.size() - std::min(names.size(), found.size() + missing)));
}

std::vector<firestore::Document> FirestoreClient::RunQuery(const firestore::RunQueryRequest& query) {
  const auto message = query.SerializeAsString();
  auto responses = Parsed<firestore::RunQueryResponse>(
      Send({"RunQuery", "runQuery", query.parent(), message, query, firestore::RunQueryResponse::default_instance()}),
      "asking for documents");
  std::vector<firestore::Document> found;
  for (auto& response : responses) {
    if (response.has_document()) found.push_back(std::move(*response.mutable_document()));
  }
  return found;
}

GrpcAnswer FirestoreClient::Commit(const firestore::SerializedCommit& commit) {
  const auto message = commit.SerializeAsString();
  return Send({"Commit", "commit", database_, message, firestore::CommitRequest::default_instance(),
               firestore::CommitResponse::default_instance()});
}

Error ErrorOf(const GrpcAnswer& answer, const std::string& what) {
  const auto said = Said(answer, what);
  switch (answer.code) {
    case GrpcCode::kPermissionDenied:
      return {ErrorCode::kConfig, said + "; give the account of these credentials the role roles/datastore.user"};
    case GrpcCode::kUnauthenticated:
      return {ErrorCode::kConfig, said + "; check the credentials and this machine's clock"};
    case GrpcCode::kNotFound:
      return {ErrorCode::kConfig,
              said + "; check `project` and `database`, or make it: gcloud firestore databases create"};
    case GrpcCode::kUnimplemented:
      return {ErrorCode::kConfig, said + "; check `endpoint` and `api`"};
    default:
      return {ErrorCode::kStop, said};
  }
}

}  // namespace millrace::document
