# Run by add_pages() of Assets.cmake: installs npm's packages where the lock file has changed, then builds.
file(SHA256 ${FOLDER}/package-lock.json wanted)
file(LOCK ${FOLDER}/.lock GUARD PROCESS TIMEOUT 600)  # two presets may build at once
set(found "")
if(EXISTS ${STAMP})
  file(READ ${STAMP} found)
endif()
if(NOT found STREQUAL wanted)
  execute_process(COMMAND ${NPM} ci --no-audit --no-fund --loglevel=error WORKING_DIRECTORY ${FOLDER}
                  COMMAND_ERROR_IS_FATAL ANY)
  file(WRITE ${STAMP} ${wanted})
endif()
execute_process(COMMAND ${NPM} run --silent build -- --outDir ${OUTPUT} --emptyOutDir WORKING_DIRECTORY ${FOLDER}
                COMMAND_ERROR_IS_FATAL ANY)
