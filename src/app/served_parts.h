#pragma once

#include <map>
#include <string>

#include "app/config_model.h"
#include "app/data_directory.h"
#include "app/lake.h"
#include "app/pipeline_view.h"
#include "base/byte_budget.h"
#include "event/stream.h"
#include "io/http_routes.h"
#include "query/sandbox/sandbox.h"
#include "refine/graph.h"

namespace millrace::app {

/// What the routes of a running pipeline ask. Its parts outlive the server.
struct ServedParts {
  const PipelineConfig& config;
  const DataDirectory& directory;
  event::Stream& stream;
  Lake& lake;
  ByteBudget& budget;
  PipelineView& view;
  query::Sandbox& sandbox;
  const refine::Graph* graph;  // null: the pipeline has no models
};

/// What is shown of data needs this role, as SQL does; what is changed needs the other.
inline constexpr const char* kSeesData = "query";
inline constexpr const char* kOperates = "operate";

/// What the console shows and does, under /api/v1: docs/console.md lists the routes. Each in the .cc of its part.
void AddFlowRoutes(io::HttpRoutes& routes, const ServedParts& parts);
void AddTopicRoutes(io::HttpRoutes& routes, const ServedParts& parts);
void AddTableRoutes(io::HttpRoutes& routes, const ServedParts& parts);
void AddQuarantineRoutes(io::HttpRoutes& routes, const ServedParts& parts);
void AddModelRoutes(io::HttpRoutes& routes, const ServedParts& parts);

/// All of them.
void AddPipelineRoutes(io::HttpRoutes& routes, const ServedParts& parts);

}  // namespace millrace::app
