#include <fmt/format.h>

#include "app/doctor_checks.h"
#include "app/http_poll_options.h"
#include "app/registry.h"
#include "io/http_url.h"
#include "source/http_poll/http_poll_source.h"

namespace millrace::app {
namespace {

constexpr event::ReadLimits kOneLook{.bytes_max = size_t{64} << 10, .wait = std::chrono::milliseconds(2000)};

/// A page is asked for as a run would, and nothing of it is kept.
void LookAtApi(const std::string& name, const HttpPollConfig& config, Findings& findings, const std::stop_token& stop) {
  auto options = HttpPollOptionsFor(name, config, true);
  options.retry_time = std::chrono::milliseconds(0);
  source::HttpPollSource source(std::move(options));
  source.Seek({});
  const auto shown = io::ShownUrl(config.url);
  const auto read = source.Read(kOneLook, stop);
  if (read.batch && read.batch->size() > 0) {
    return findings.Ok(fmt::format("source {}: {} answers with {} rows", name, shown, read.batch->size()));
  }
  findings.Warn(fmt::format("source {}: {} answers, and there is no row in it", name, shown),
                fmt::format("see whether `rows: {}` names where they stand", config.rows));
}

void LookAtFiles(const std::string& name, const SourceConfig& source, Findings& findings, const std::stop_token& stop) {
  auto config = source;
  config.file->follow = false;  // as many as are there now
  const auto reader = MakeSource(name, config);
  reader->Seek({});
  const auto read = reader->Read(kOneLook, stop);
  if (read.batch) return findings.Ok(fmt::format("source {}: there are records to read", name));
  findings.Warn(fmt::format("source {}: no file is there yet that has a record", name),
                "see `path`, which starts at the folder of the configuration");
}

void LookAtMongo(const std::string& name, const SourceConfig& source, Findings& findings, const std::stop_token& stop) {
  const auto reader = MakeSource(name, source, true);
  reader->Seek({});
  const auto read = reader->Read(kOneLook, stop);
  if (const auto why = reader->WaitsFor(); !read.batch && !why.empty()) {
    return findings.Fail(fmt::format("source {}: {}", name, why), "see whether it is up, and `uri`");
  }
  findings.Ok(fmt::format("source {}: the collection {} can be read{}", name, source.mongodb->collection,
                          read.batch ? "" : ", and is empty"));
}

}  // namespace

std::vector<DoctorCheck> SourceChecks(const PipelineConfig& pipeline) {
  std::vector<DoctorCheck> checks;
  for (const auto& [name, source] : pipeline.sources) {
    if (!source.file && !source.http_poll && !source.mongodb) continue;
    checks.push_back({"sources", [&name = name, &source = source](Findings& findings, const std::stop_token& stop) {
                        if (source.http_poll) return LookAtApi(name, *source.http_poll, findings, stop);
                        if (source.mongodb) return LookAtMongo(name, source, findings, stop);
                        LookAtFiles(name, source, findings, stop);
                      }});
  }
  return checks;
}

}  // namespace millrace::app
