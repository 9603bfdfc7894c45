#pragma once

#include <string>
#include <vector>

#include "app/config_model.h"
#include "app/doctor.h"

namespace millrace::app {

/// Everything there is to look at for this pipeline, in the order in which it is told. The pipeline outlives them.
std::vector<DoctorCheck> DoctorChecks(const PipelineConfig& pipeline);

/// The parts of it, each in the .cc of its name (doctor_<name>.cc). None changes anything that is in use; what they
/// make has names of their own and is taken away again.

/// The versions of this program, its libraries and the kernel; file descriptors and memory against what is asked for.
std::vector<DoctorCheck> MachineChecks(const PipelineConfig& pipeline);
/// The data directory, and whether it is in use: room, fsync, what SQLite needs.
std::vector<DoctorCheck> DiskChecks(const PipelineConfig& pipeline);
/// Where files go: the warehouse and the `location`s of plain files. Every kind of request, and conditional creation.
std::vector<DoctorCheck> StoreChecks(const PipelineConfig& pipeline);
/// This machine's clock against those of the servers.
std::vector<DoctorCheck> ClockChecks(const PipelineConfig& pipeline);
/// A scratch namespace and table from beginning to end.
std::vector<DoctorCheck> CatalogChecks(const PipelineConfig& pipeline);
/// Topics: what may be done with them, and a scratch topic written and read.
std::vector<DoctorCheck> StreamChecks(const PipelineConfig& pipeline);
/// Registry, document stores, Spark.
std::vector<DoctorCheck> PeerChecks(const PipelineConfig& pipeline);
/// What sources read.
std::vector<DoctorCheck> SourceChecks(const PipelineConfig& pipeline);
/// The port, the certificate, and who may do what.
std::vector<DoctorCheck> ServerChecks(const PipelineConfig& pipeline);

}  // namespace millrace::app
