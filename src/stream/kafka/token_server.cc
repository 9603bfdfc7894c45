#include "stream/kafka/token_server.h"

#include "io/digest.h"
#include "io/http_client.h"
#include "io/oauth2_token.h"
#include "io/percent_encoding.h"

namespace millrace::stream {

int AskTokenServer(const KafkaSasl& sasl) {
  std::string form = "grant_type=client_credentials";
  if (!sasl.scope.empty()) form += "&scope=" + io::PercentEncoded(sasl.scope);
  auto request = io::TokenRequest(sasl.token_endpoint, form);
  request.headers.push_back({"Authorization", "Basic " + io::Base64(sasl.client_id + ":" + sasl.client_secret)});
  request.connect_timeout = request.timeout = std::chrono::seconds(2);
  request.response_bytes_max = int64_t{1} << 20;
  try {
    return io::HttpClient().Send(request).status;
  } catch (const Error&) {
    return -1;
  }
}

}  // namespace millrace::stream
