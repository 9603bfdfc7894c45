#pragma once

#include <filesystem>
#include <string>

#include "catalog/glue/glue_client.h"
#include "judge/python.h"
#include "services/dynamo_server.h"
#include "services/service.h"

namespace millrace::services {

/// A sentence when the server is not installed.
inline std::string GlueLacks() {
  return std::filesystem::exists(std::string(MILLRACE_DEPS_DIR) + "/moto")
             ? ""
             : "no server of Glue's protocol is here: run scripts/setup --servers";
}

/// Where it is, started at the first call.
inline const std::string& GlueEndpoint() {
  static const judge::Folder folder;
  static const Service server("glue.py", {"serve", folder.File("glue")});
  return server.address();
}

inline void EmptyGlue() {
  io::HttpRequest request;
  request.method = "POST";
  request.url = GlueEndpoint() + "/moto-api/reset";
  ASSERT_EQ(io::HttpClient().Send(request).status, 200);
}

inline catalog::GlueOptions GlueAt(const std::string& endpoint) {
  return {.server = DynamoAt(endpoint), .catalog_id = ""};
}

}  // namespace millrace::services
