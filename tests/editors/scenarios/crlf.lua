-- A file with Windows line ends: places are right, and a fix leaves every line end as it was.

local POD = table.concat({
  'apiVersion: v1',
  'kind: Pod',
  'metadata:',
  '  name: web',
  'spec:',
  '  containers:',
  '    - name: api',
  '      image: shop/api:1.0',
  '      securityContext:',
  '        privileged: true',
  '',
}, '\r\n')

return function(session)
  session.start()
  local buffer = session.open('pod.yaml', POD)
  session.same(vim.bo[buffer].fileformat, 'dos', 'Neovim sees the line ends')
  session.expect(buffer, 'C-0057', { 'privileged: true' })

  session.act(buffer, session.found(buffer, 'C-0057')[1], '[C-0057]')
  session.expect(buffer, 'C-0057', {})
  vim.cmd('silent write')
  local file = assert(io.open('pod.yaml', 'rb'))
  local written = file:read('*a')
  file:close()
  session.same(written, (POD:gsub('privileged: true', 'privileged: false')), 'bytes of the file')
end
