# add_shell_files(program section): the manual page and the completion scripts, as the built program prints them,
# under share/ of the build folder and of the installation.
function(add_shell_files program section)
  set(share ${CMAKE_BINARY_DIR}/share)
  set(page ${share}/man/man${section}/${program}.${section})
  set(bash ${share}/bash-completion/completions/${program})
  set(zsh ${share}/zsh/vendor-completions/_${program})
  set(fish ${share}/fish/vendor_completions.d/${program}.fish)
  foreach(file ${page} ${bash} ${zsh} ${fish})
    get_filename_component(folder ${file} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
  endforeach()
  add_custom_command(TARGET ${program} POST_BUILD
    COMMAND ${program} manual > ${page}
    COMMAND ${program} completion bash > ${bash}
    COMMAND ${program} completion zsh > ${zsh}
    COMMAND ${program} completion fish > ${fish}
    VERBATIM)
  install(FILES ${page} DESTINATION share/man/man${section})
  install(FILES ${bash} DESTINATION share/bash-completion/completions)
  install(FILES ${zsh} DESTINATION share/zsh/vendor-completions)
  install(FILES ${fish} DESTINATION share/fish/vendor_completions.d)
endfunction()
