#include "catalog/server/catalog_refusal.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.h"

namespace millrace::catalog {
namespace {

io::HttpReply Answer(int status, std::string_view type, std::string_view message) {
  const nlohmann::ordered_json body = {{"error", {{"message", message}, {"type", type}, {"code", status}}}};
  return io::JsonReply(status, body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

io::HttpReply Answer(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kUsage:
    case ErrorCode::kData:
    case ErrorCode::kConfig:
    case ErrorCode::kStop:
      return Answer(400, "BadRequestException", error.what());
    case ErrorCode::kUnavailable:
      return Answer(503, "ServiceUnavailableException", error.what());
    case ErrorCode::kInternal:
      break;
  }
  LogWarning("the catalogue's answer is 500: {}", error.what());
  return Answer(500, "InternalServerException", "an internal error; the log says more");
}

}  // namespace

CatalogRefusal::CatalogRefusal(int status, std::string type, std::string message)
    : Error(ErrorCode::kData, std::move(message)), status_(status), type_(std::move(type)) {}

CatalogRefusal CatalogRefusal::NoNamespace(const std::string& name_space) {
  return {404, "NoSuchNamespaceException", "Namespace does not exist: " + name_space};
}

CatalogRefusal CatalogRefusal::NoTable(const TableName& name) {
  return {404, "NoSuchTableException", "Table does not exist: " + ToString(name)};
}

CatalogRefusal CatalogRefusal::Exists(const std::string& what) { return {409, "AlreadyExistsException", what}; }

CatalogRefusal CatalogRefusal::CommitFailed(const std::string& why) {
  return {409, "CommitFailedException", "Requirement failed: " + why};
}

CatalogRefusal CatalogRefusal::StateUnknown(const std::string& why) {
  return {500, "CommitStateUnknownException", why};
}

io::HttpReply AnswerOf(const std::function<io::HttpReply()>& handler) {
  try {
    return handler();
  } catch (const CatalogRefusal& refusal) {
    return Answer(refusal.status(), refusal.type(), refusal.what());
  } catch (const io::HttpRefusal& refusal) {
    auto reply = Answer(refusal.status(), "BadRequestException", refusal.what());
    reply.headers.insert(reply.headers.end(), refusal.headers().begin(), refusal.headers().end());
    return reply;
  } catch (const Error& error) {
    return Answer(error);
  }
}

}  // namespace millrace::catalog
