#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace millrace::stream {

/// What the caller may do about an error of librdkafka or a broker.
ErrorCode CodeOf(rd_kafka_resp_err_t error);

/// "<what>: <the library's words for it>", with a mend where one is known.
Error KafkaError(rd_kafka_resp_err_t error, std::string_view what, std::string_view detail = {});

struct KafkaErrorDeleter {
  void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
};
using KafkaErrorPtr = std::unique_ptr<rd_kafka_error_t, KafkaErrorDeleter>;

/// Throws what a call returned, unless that is null.
void ThrowIf(rd_kafka_error_t* error, std::string_view what);
void ThrowIf(rd_kafka_resp_err_t error, std::string_view what);

}  // namespace millrace::stream
