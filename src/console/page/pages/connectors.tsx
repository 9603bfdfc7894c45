import { Page } from '../ui'

export function Connectors() {
  return <Page title="Connectors">{null}</Page>
}
