#include "source/http_ingest/ingest_events.h"

namespace millrace::source {

void IngestTaken::Emit() const {
  auto& metrics = Metrics::Process();
  if (duplicate) return metrics.Add(kIngestDuplicates, {source, topic});
  metrics.Add(kIngestEvents, {source, topic}, static_cast<double>(events));
  metrics.Add(kIngestBytes, {source, topic}, static_cast<double>(bytes));
}

std::string_view ToString(IngestRefusal cause) {
  switch (cause) {
    case IngestRefusal::kPressure:
      return "pressure";
    case IngestRefusal::kClosed:
      return "closed";
  }
  return "";
}

void IngestRefused::Emit() const { Metrics::Process().Add(kIngestRefused, {source, ToString(cause)}); }

}  // namespace millrace::source
