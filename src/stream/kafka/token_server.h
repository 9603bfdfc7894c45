#pragma once

#include "stream/kafka/kafka_options.h"

namespace millrace::stream {

/// The status that the token server of kOAuthBearer answers when it is asked for a token as librdkafka asks; -1: it
/// does not answer. For a sentence about what is wrong: the library tries for almost a minute before it tells of an
/// answer that is no token. Waits two seconds at most.
int AskTokenServer(const KafkaSasl& sasl);

}  // namespace millrace::stream
