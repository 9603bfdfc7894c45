#include "document/firestore/firestore_transport.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/outage_patience.h"
#include "io/percent_encoding.h"

namespace millrace::document {
namespace {

using io::GrpcAnswer;
using io::GrpcCode;
using nlohmann::json;
using ProtoMessage = google::protobuf::Message;

constexpr const char* kService = "google.firestore.v1.Firestore";
constexpr size_t kReasonBytesMax = 300;

void AddToken(const std::string& token, std::vector<io::HttpHeader>& headers) {
  if (!token.empty()) headers.push_back({"Authorization", "Bearer " + token});
}

class GrpcTransport final : public FirestoreTransport {
 public:
  GrpcTransport(const FirestoreServer& server, io::HttpClient& http) : server_(server), http_(http) {}

  GrpcAnswer Send(const FirestoreCall& call, const std::string& token) override {
    io::GrpcCall grpc{.url = fmt::format("{}/{}/{}", server_.endpoint, kService, call.method), .message = call.message};
    // Which database it is about, for those on the way who do not read messages.
    const auto* name = call.method == "RunQuery" ? "parent" : "database";
    grpc.headers = {
        {"google-cloud-resource-prefix", fmt::format("projects/{}/databases/{}", server_.project, server_.database)},
        {"x-goog-request-params", fmt::format("{}={}", name, io::PercentEncoded(call.on))}};
    AddToken(token, grpc.headers);
    grpc.timeout = server_.timeout;
    return CallGrpc(http_, grpc);
  }

 private:
  const FirestoreServer& server_;
  io::HttpClient& http_;
};

/// {"error": {"status": "ABORTED", "message": "..."}}; nullopt when it is none.
std::optional<GrpcAnswer> ErrorIn(const json& said) {
  if (!said.is_object() || !said.contains("error") || !said["error"].is_object()) return std::nullopt;
  const auto& error = said["error"];
  return GrpcAnswer{io::GrpcCodeOf(error.value("status", "")), error.value("message", "").substr(0, kReasonBytesMax)};
}

class RestTransport final : public FirestoreTransport {
 public:
  RestTransport(const FirestoreServer& server, io::HttpClient& http) : server_(server), http_(http) {}

  GrpcAnswer Send(const FirestoreCall& call, const std::string& token) override {
    const auto body = JsonOf(call);
    io::HttpRequest request;
    request.method = "POST";
    const auto* below = call.method == "RunQuery" ? "" : "/documents";
    request.url =
        fmt::format("{}/v1/{}{}:{}", server_.endpoint, io::PercentEncoded(call.on, true), below, call.rest_verb);
    request.headers = {{"Content-Type", "application/json"}};
    AddToken(token, request.headers);
    request.body = body;
    request.timeout = server_.timeout;
    return AnswerOf(http_.Send(request, io::OutagePatience::Stop()), call.answer_type);
  }

 private:
  /// What the path says does not stand in the body.
  static std::string JsonOf(const FirestoreCall& call) {
    const std::unique_ptr<ProtoMessage> message(call.request_type.New());
    message->ParseFromArray(call.message.data(), static_cast<int>(call.message.size()));
    const auto* in_path = message->GetDescriptor()->FindFieldByName(call.method == "RunQuery" ? "parent" : "database");
    message->GetReflection()->ClearField(message.get(), in_path);
    std::string text;
    const auto status = google::protobuf::util::MessageToJsonString(*message, &text);
    if (!status.ok()) throw Error(ErrorCode::kInternal, "a request of Firestore's has no JSON");
    return text;
  }

  /// One message, or of a streaming call a list of them.
  static GrpcAnswer AnswerOf(const io::HttpResponse& response, const ProtoMessage& type) {
    auto said = json::parse(response.body, nullptr, false);
    if (!said.is_array()) said = json::array({std::move(said)});
    GrpcAnswer answer;
    for (const auto& one : said) {
      if (auto error = ErrorIn(one)) return std::move(*error);
      if (response.status != 200) break;
      const std::unique_ptr<ProtoMessage> message(type.New());
      google::protobuf::util::JsonParseOptions options;
      options.ignore_unknown_fields = true;
      if (!one.is_object() || !google::protobuf::util::JsonStringToMessage(one.dump(), message.get(), options).ok()) {
        return {GrpcCode::kInternal, "the answer is not what the REST API says"};
      }
      answer.messages.push_back(message->SerializeAsString());
    }
    if (response.status == 200) return answer;
    return {io::GrpcCodeOfStatus(response.status), fmt::format("status {}", response.status)};
  }

  const FirestoreServer& server_;
  io::HttpClient& http_;
};

}  // namespace

std::unique_ptr<FirestoreTransport> MakeFirestoreTransport(const FirestoreServer& server, io::HttpClient& http) {
  if (server.api == FirestoreApi::kRest) return std::make_unique<RestTransport>(server, http);
  return std::make_unique<GrpcTransport>(server, http);
}

}  // namespace millrace::document
