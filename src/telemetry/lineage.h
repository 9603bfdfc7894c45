#pragma once

#include <memory>
#include <optional>
#include <string>

#include "telemetry/lineage_event.h"
#include "telemetry/otel_environment.h"
#include "telemetry/outbox.h"
#include "telemetry/poster.h"

namespace millrace::telemetry {

/// Where lineage goes, as the variables of OpenLineage's clients say.
struct LineageOptions {
  Poster::Options http;  // without a URL: to the file
  std::string file;
  std::string job_namespace;
  std::string topic_namespace;  // of the topics that tables are made of
};

/// nullopt when they ask for none: neither OPENLINEAGE_URL nor a transport of type `file`, or OPENLINEAGE_DISABLED.
/// Error kConfig for what cannot be read or is not spoken here.
std::optional<LineageOptions> ReadLineageOptions(const GetVariable& get);

/// Tells a receiver, or a file, of each run of each job of this process while it lives, in order and from a thread of
/// its own. What is not taken in some attempts is dropped and counted, and so is what finds no room.
class Lineage {
 public:
  Lineage(LineageOptions options, std::string version);
  ~Lineage();
  Lineage(const Lineage&) = delete;
  Lineage& operator=(const Lineage&) = delete;

  /// As the variables say; null when they ask for none. Jobs are in the namespace `pipeline` unless they say another.
  static std::unique_ptr<Lineage> Make(const GetVariable& get, const std::string& pipeline,
                                       const std::string& topic_namespace, const std::string& version);
  /// The one of this process; null: nobody wants to know.
  static Lineage* Process();

  void Tell(const LineageEvent& event) noexcept;
  const std::string& topic_namespace() const { return options_.topic_namespace; }
  const std::string& job_namespace() const { return options_.job_namespace; }

 private:
  void Send(const std::vector<std::string>& events, const std::stop_token& stop);
  void Append(const std::vector<std::string>& events);

  const LineageOptions options_;
  const std::string version_;
  Poster poster_;
  Outbox<std::string> outbox_;  // last: its thread uses the others
};

}  // namespace millrace::telemetry
