-- One server, two workspace folders: each file is judged by the settings of its own folder.

local POD = [[
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: api
      image: shop/api:1.0
      securityContext:
        privileged: true
]]

return function(session)
  local here = assert(vim.uv.cwd())
  for folder, settings in pairs({ strict = 'frameworks: allcontrols', lax = 'controls: {exclude: C-0057}' }) do
    vim.fn.mkdir(folder)
    vim.fn.writefile({ settings }, folder .. '/.kscan.yaml')
  end
  session.start({
    root_markers = {}, -- so that one client serves all files
    root_dir = here,
    workspace_folders = { { name = 'strict', uri = vim.uri_from_fname(here .. '/strict') } },
  })

  local strict = session.open('strict/pod.yaml', POD)
  session.expect(strict, 'C-0057', { 'privileged: true' })
  session.expect(strict, 'C-0018', { 'name: api' }) -- no readiness probe: not among the recommended ones

  local lax = session.open('lax/pod.yaml', POD)
  session.wait('the second file is checked', function()
    return #vim.diagnostic.get(lax) > 0
  end)
  vim.lsp.buf.add_workspace_folder(here .. '/lax')
  session.expect(lax, 'C-0057', {})
  session.expect(lax, 'C-0018', {})
  session.same(#vim.lsp.get_clients(), 1, 'servers')
  session.expect(strict, 'C-0057', { 'privileged: true' })

  vim.fn.writefile({ 'frameworks: recommended' }, 'lax/.kscan.yaml')
  vim.lsp.buf.remove_workspace_folder(here .. '/lax')
  session.expect(lax, 'C-0057', { 'privileged: true' })
end
