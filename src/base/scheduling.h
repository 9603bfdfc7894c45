#pragma once

namespace millrace {

/// The calling thread works through much at a time and is in no hurry: when something comes for it, whoever runs goes
/// on to the end of its slice. Of hundreds of threads that wake each other after every write, each would lose its
/// caches to the next one otherwise. Threads that it starts do the same. Nothing changes where the system forbids it.
void WorkInBatches();

}  // namespace millrace
