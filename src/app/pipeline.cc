#include "app/pipeline.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "api/connect_routes.h"
#include "app/allocation.h"
#include "app/document_blocks.h"
#include "app/engine_options.h"
#include "app/fixed_start.h"
#include "app/http_ingest_blocks.h"
#include "app/plan.h"
#include "app/query_route.h"
#include "app/registry.h"
#include "app/rest_proxy_blocks.h"
#include "app/run_status.h"
#include "app/schemas.h"
#include "app/served_catalog.h"
#include "app/served_parts.h"
#include "app/server_options.h"
#include "app/storage.h"
#include "app/table_sinks.h"
#include "app/work_events.h"
#include "base/error.h"
#include "base/log.h"
#include "source/http_ingest/http_ingest.h"

namespace millrace::app {
namespace {

constexpr auto kStatusEvery = std::chrono::seconds(1);
constexpr auto kRetentionEvery = std::chrono::seconds(10);
/// How long answers under way may take once the pipeline has ended.
constexpr auto kServerPatience = std::chrono::seconds(3);

/// True once in `every`.
bool Due(SteadyTime& last, std::chrono::seconds every) {
  const auto now = Clock::System().Steady();
  if (last != SteadyTime{} && now - last < every) return false;
  last = now;
  return true;
}

std::string_view HowToEnd(const SourceConfig& source) {
  if (source.generator) return "give it `rows`, or ";
  if (source.http_poll) return "give it `for` or `until_rows`, or take away `every`, or ";
  return "";
}

}  // namespace

Pipeline::Pipeline(const PipelineConfig& config, RunLimits limits)
    : config_(config),
      limits_(limits),
      directory_(DataDirectory::OpenToWrite(config.data_dir.value)),
      budget_(BufferShare(config) - StreamShare(config)),
      lake_(OpenLake(config, directory_)),
      stream_(OpenStream(config, directory_, &budget_)),
      refinery_(Refinery::Open(config, directory_, lake_, budget_)),
      housekeeper_(config, directory_, lake_, budget_) {
  PipelineRunner::Options options;
  options.until_idle = limits.until_idle;
  options.intake_time = limits.intake_time;
  options.tick = [this](const PipelineRunner& runner) { Tick(runner); };
  if (refinery_) {
    // One that only drains runs models at its end, over all that it has landed: what a model looks up in another table
    // is there by then, however fast each of them came.
    if (!limits.until_idle || limits.intake_time) {
      options.after_commits = [this](std::stop_token stop) { return Refine(stop, false); };
    }
    if (refinery_->has_times() && !limits.until_idle) {
      options.at_times = [this](std::stop_token stop) {
        return !refinery_->RunDue(refine::Scheduler::First::kNextMoment, stop, false).empty();
      };
    }
  }
  if (!limits.until_idle) options.beside = [this](const std::stop_token& stop) { housekeeper_.Run(stop); };
  runner_ = std::make_unique<PipelineRunner>(std::move(options));
  EnsureTopics(config, *stream_);
  AddSources();
  AddRestProxy();
  AddTables();
  if (config.server && !limits.until_idle) {
    connectors_ = std::make_unique<ConnectorHost>(
        ConnectorParts{config, directory_, lake_, *stream_, budget_, [this] { runner_->NoteCommit(); }},
        directory_.state());
  }
  view_ = std::make_unique<PipelineView>(GaugeSources{config, *runner_, budget_, housekeeper_.notes()}, *stream_, lake_,
                                         connectors_.get());
  if (config.server) Serve(*config.server);
}

Pipeline::~Pipeline() = default;

void Pipeline::Serve(const ServerConfig& server) {
  auto options = ApiOptionsFor(server);
  if (!config_.schema_registry) {
    registry_ = OpenRegistryStore(directory_);
    options.registry = registry_.get();
  }
  sandbox_ = std::make_unique<query::Sandbox>(*lake_.catalog, SandboxOptionsFor(config_, directory_));
  if (refinery_) views_ = refinery_->graph().views();
  options.add_routes = [this](io::HttpRoutes& routes) {
    AddQueryRoute(routes, *sandbox_, views_);
    if (lake_.own != nullptr) catalog::AddCatalogRoutes(routes, *lake_.own, CatalogRouteOptionsFor(config_.lake));
    AddPipelineRoutes(routes, {.config = config_,
                               .directory = directory_,
                               .stream = *stream_,
                               .lake = lake_,
                               .budget = budget_,
                               .view = *view_,
                               .sandbox = *sandbox_,
                               .graph = refinery_ ? &refinery_->graph() : nullptr});
    if (connectors_) api::AddConnectRoutes(routes, *connectors_);
    for (const auto& ingest : runner_->ingests()) ingest->AddRoutes(routes);
  };
  server_ = std::make_unique<api::ApiServer>(std::move(options), *view_);
  view_->ServedAt(server_->url());
  if (connectors_) connectors_->ServedAt(server_->url());
  LogInfo("metrics and health at {}", server_->url());
}

void Pipeline::AddSources() {
  const auto feeds = Feeds();
  for (const auto& [name, source] : config_.sources) {
    if (limits_.until_idle && !limits_.intake_time && !EndsByItself(source)) {
      throw Error(ErrorCode::kConfig,
                  fmt::format("{}: sources.{}: never ends, so --until-idle would never return; {}give the run --for",
                              config::ToString(source.mark), name, HowToEnd(source)));
    }
    if (source.http_ingest) {
      runner_->AddIngest(
          std::make_unique<source::HttpIngest>(IngestOptionsFor(name, *source.http_ingest), *stream_, budget_));
    }
    if (source.topic.empty()) continue;
    feeds.AddSource(name, source);
  }
}

/// A run that ends when nothing more is there would wait for its clients for ever.
void Pipeline::AddRestProxy() {
  if (!config_.server || !config_.server->rest_proxy || (limits_.until_idle && !limits_.intake_time)) return;
  runner_->AddIngest(std::make_unique<source::RestProxy>(RestProxyOptionsFor(config_, stream_->ClusterId()), *stream_,
                                                         OpenSchemaRegistry(config_, directory_), budget_));
}

void Pipeline::AddTables() {
  const auto feeds = Feeds();
  for (const auto& [name, table] : config_.tables) feeds.AddTable(name, table);
  for (const auto& [name, documents] : config_.documents) feeds.AddDocuments(name, documents);
}

FeedMaker Pipeline::Feeds() {
  return {{config_, directory_, lake_, *stream_, budget_, *runner_}, limits_, [this] { runner_->NoteCommit(); }};
}

/// False when another process runs one of them: what that leaves is to be done, if it dies.
bool Pipeline::Refine(std::stop_token stop, bool tell_built) {
  // What landing has freed would otherwise lie beside what the engine takes.
  ReturnFreedMemory();
  const auto reports = refinery_->Run({}, {.on_commit_only = true, .wait = tell_built}, stop, tell_built);
  ReturnFreedMemory();
  if (!stop.stop_requested()) models_failed_ = AnyFailed(reports);
  return std::ranges::none_of(reports, [](const auto& report) { return report.busy; });
}

void Pipeline::Tick(const PipelineRunner& runner) {
  view_->Ticked();
  if (show_) show_(runner);
  if (Due(status_written_, kStatusEvery)) WriteRunStatus(directory_.status(), view_->Describe());
  if (Due(retention_enforced_, kRetentionEvery)) {
    StreamTrimmed{.bytes = stream_->EnforceRetention(Clock::System().Now())}.Emit();
  }
}

RunReport Pipeline::Run(std::stop_token stop, std::function<void(const PipelineRunner&)> show) {
  show_ = std::move(show);
  try {
    auto report = RunWatched(stop);
    WriteEnd({});
    return report;
  } catch (const std::exception& failure) {
    WriteEnd(failure.what());
    throw;
  }
}

RunReport Pipeline::RunWatched(const std::stop_token& stop) {
  view_->Ticked();
  view_->Turn(PipelineView::Phase::kRunning);
  const std::stop_callback stop_connectors(stop, [this] {
    if (connectors_) connectors_->RequestStop();
  });
  auto report = runner_->Run(stop);
  if (connectors_) connectors_->Stop();
  view_->Turn(PipelineView::Phase::kEnding);
  if (refinery_ && limits_.until_idle && !stop.stop_requested()) {
    const bool failed = AnyFailed(refinery_->RunDue(refine::Scheduler::First::kAtOnce, stop, true));
    Refine(stop, true);
    models_failed_ = models_failed_ || failed;
  }
  if (limits_.until_idle && !stop.stop_requested()) housekeeper_.RunOnce(stop);
  return report;
}

void Pipeline::WriteEnd(const std::string& error) {
  view_->Turn(PipelineView::Phase::kEnding);
  auto status = view_->Describe();
  status["ended"] = {{"at", status["at"]}, {"error", nullptr}};
  if (!error.empty()) status["ended"]["error"] = error;
  WriteRunStatus(directory_.status(), status);
  if (server_) server_->Stop(kServerPatience);
}

}  // namespace millrace::app
